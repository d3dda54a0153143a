"""Exports of a call centre, a telephone system or an older list: each row is a submission of its own."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice

from schemas.vocabulary import Channel
from services.intake.channels.arrival import Arrival, Sender
from services.intake.channels.identity import believable_time, digest_of, file_name_of, message_id_of
from services.intake.channels.limits import LONGEST_SOURCE, MOST_TABLE_ROWS
from services.intake.channels.refusal import Refusal, RefusalCode
from services.intake.channels.table_text import Row, Table, read_table, written
from services.intake.extraction.field_names import field_of_key, squash
from services.intake.rules.texts import one_line

MEDIA_TYPE = "text/csv"
MEDIA_TYPES = frozenset({MEDIA_TYPE, "application/csv", "application/vnd.ms-excel"})
#: how old a row may say it is: lists of the time before reach far back, calls do not
OLDEST = {Channel.CSV: timedelta(days=3650)}
OLDEST_CALL = timedelta(days=31)
_ID_COLUMNS = frozenset({"callid", "recordid", "messageid", "voicemailid", "rowid", "id", "callnumber", "callno"})
_TIME_COLUMNS = frozenset({"receivedat", "received", "datereceived", "calltime", "calledat", "callreceived"})
_CALLER_COLUMNS = frozenset({"caller", "callerid", "callernumber", "callerphone", "fromnumber"})
_OWN_COLUMNS = _ID_COLUMNS | _TIME_COLUMNS | _CALLER_COLUMNS
_LEAST_KNOWN_COLUMNS = 2
_LONGEST_TIME = 40
#: columns, as they are compared, with their cells
Told = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Export:
    """What all rows of one table share."""

    sender: Sender
    channel: Channel
    table: Table
    columns: tuple[str, ...]
    now: datetime
    file_name: str | None


def table_arrivals(
    sender: Sender, channel: Channel, content: bytes, *, now: datetime, file_name: str | None = None
) -> list[Arrival]:
    """Return the rows of a table as arrivals; a row that can not be read is handed on as it is.

    Raises:
        Refusal: no header row, no rows, or more than are taken at once.
    """
    table = read_table(content)
    columns = _columns(table)
    export = _Export(sender, channel, table, columns, now, file_name_of(file_name))
    arrivals = list(islice(_arrivals(export), MOST_TABLE_ROWS + 1))
    if not arrivals:
        raise Refusal(RefusalCode.EMPTY)
    if len(arrivals) > MOST_TABLE_ROWS:
        raise Refusal(RefusalCode.TOO_MANY_ROWS)
    return arrivals


def _columns(table: Table) -> tuple[str, ...]:
    columns = tuple(cell.strip() for cell in table.head.cells or ())
    known = [name for name in columns if squash(name) in _OWN_COLUMNS or field_of_key(name) is not None]
    if len(known) < _LEAST_KNOWN_COLUMNS:
        raise Refusal(RefusalCode.NO_HEADER)
    return columns


def _arrivals(export: _Export) -> Iterator[Arrival]:
    for row in export.table.rows():
        yield _torn(export, row) if row.cells is None else _whole(export, row.cells)


def _torn(export: _Export, row: Row) -> Arrival:
    content = f"{export.table.head.text}\r\n{row.text}\r\n".encode("utf-8", "replace")
    return Arrival(
        sender=export.sender,
        channel=export.channel,
        content=content,
        content_type=MEDIA_TYPE,
        received_at=export.now,
        substance=digest_of(row.text.encode("utf-8", "replace")),
        file_name=export.file_name,
    )


def _whole(export: _Export, cells: tuple[str, ...]) -> Arrival:
    width = max(len(cells), len(export.columns))
    columns = export.columns + tuple(f"column {number}" for number in range(len(export.columns) + 1, width + 1))
    cells = cells + ("",) * (width - len(cells))
    told = [(_name(column), cell.strip()) for column, cell in zip(columns, cells, strict=True)]
    oldest = OLDEST.get(export.channel, OLDEST_CALL)
    return Arrival(
        sender=_caller(export, told),
        channel=export.channel,
        content=written(columns, cells),
        content_type=MEDIA_TYPE,
        received_at=believable_time(_time(_first(told, _TIME_COLUMNS)), now=export.now, oldest=oldest),
        # not the order of the columns, nor how the table was written, makes a row another one
        substance=digest_of(*(f"{name}:{cell}".encode("utf-8", "replace") for name, cell in sorted(told) if cell)),
        source_message_id=message_id_of(_first(told, _ID_COLUMNS)),
        file_name=export.file_name,
    )


@lru_cache(4096)
def _name(column: str) -> str:
    return squash(column) or column


def _caller(export: _Export, told: Told) -> Sender:
    # the telephone system knows the caller's number; it is what tells voicemails without a name apart
    caller = _first(told, _CALLER_COLUMNS) if export.channel is Channel.VOICEMAIL else None
    return replace(export.sender, source=one_line(caller, limit=LONGEST_SOURCE)) if caller else export.sender


def _first(told: Told, names: frozenset[str]) -> str | None:
    return next((cell for name, cell in told if cell and name in names), None)


def _time(text: str | None) -> datetime | None:
    if text is None or len(text) > _LONGEST_TIME:
        return None
    with suppress(ValueError):
        return datetime.fromisoformat(text)
    for form in ("%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p"):
        with suppress(ValueError):
            return datetime.strptime(text, form)  # noqa: DTZ007 - a table without a zone is taken as UTC
    return None
