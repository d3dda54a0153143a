"""Every row of an export becomes one submission, however the table was written, and none is lost."""

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.vocabulary import Channel
from services.intake.channels.arrival import Arrival
from services.intake.channels.refusal import Refusal, RefusalCode
from services.intake.channels.table import table_arrivals
from tests.samples.catalogue import JOSE, RUTH
from tests.samples.writers import CALL_COLUMNS, VOICEMAIL_COLUMNS, call_row, table
from tests.support.channels import NOW, SENDER

CELLS = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=12)
NAMED_ROWS = st.lists(
    st.tuples(st.from_regex(r"\Ac-[0-9]{1,6}\Z"), CELLS, CELLS), min_size=1, max_size=8, unique_by=lambda row: row[0]
)
COLUMNS = ("call_id", "patient_name", "reason")


def arrivals(content: bytes, channel: Channel = Channel.CALLCENTRE) -> list[Arrival]:
    return table_arrivals(SENDER, channel, content, now=NOW)


def read_back(arrival: Arrival) -> dict[str, str]:
    (row,) = csv.DictReader(io.StringIO(arrival.content.decode("utf-8"), newline=""))
    return row


@settings(max_examples=50, deadline=None)
@given(rows=NAMED_ROWS, delimiter=st.sampled_from([",", ";", "\t"]))
def test_each_row_is_kept_with_its_header(rows: list[tuple[str, str, str]], delimiter: str) -> None:
    found = arrivals(table(COLUMNS, rows, delimiter=delimiter).encode())

    assert [read_back(arrival) for arrival in found] == [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    assert [arrival.source_message_id for arrival in found] == [row[0] for row in rows]
    assert len({arrival.submission_id for arrival in found}) == len(rows)


@settings(max_examples=50, deadline=None)
@given(rows=NAMED_ROWS, charset=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]))
def test_a_row_is_the_same_however_the_table_was_written(rows: list[tuple[str, str, str]], charset: str) -> None:
    turned = table(COLUMNS[::-1], [row[::-1] for row in rows], delimiter=";").encode(charset)

    found, again = arrivals(table(COLUMNS, rows).encode()), arrivals(turned)

    assert [arrival.submission_id for arrival in again] == [arrival.submission_id for arrival in found]


def test_latin_1_is_read() -> None:
    (arrival,) = arrivals(table(CALL_COLUMNS, [call_row("1", JOSE)]).encode("latin-1"))

    assert read_back(arrival)["patient_name"] == "José Muñoz"


def test_a_forgotten_quote_costs_its_own_row_only() -> None:
    rows = [f'c-{number},Jane Roe {number},"Pain, left knee"' for number in range(6)]
    rows[2] = 'c-2,"Jane Roe 2,Pain'
    found = arrivals("\r\n".join([",".join(COLUMNS), *rows, ""]).encode())

    assert [arrival.source_message_id for arrival in found] == ["c-0", "c-1", None, "c-3", "c-4", "c-5"]
    assert found[2].content.decode().splitlines() == ["call_id,patient_name,reason", rows[2]]


def test_a_quote_that_never_ends_loses_nothing() -> None:
    rows = ['c-0,"Jane Roe,Pain', *(f"c-{number},Jane Roe,Pain" for number in range(1, 500))]

    found = arrivals("\n".join([",".join(COLUMNS), *rows]).encode())

    assert [arrival.source_message_id for arrival in found] == [None, *(f"c-{number}" for number in range(1, 500))]


def test_a_note_over_several_lines_stays_in_its_row() -> None:
    found = arrivals(table(COLUMNS, [("c-1", "Jane Roe", "line one\nline two"), ("c-2", "Ruth", "x")]).encode())

    assert [read_back(arrival)["reason"] for arrival in found] == ["line one\nline two", "x"]


def test_inches_and_empty_rows_and_odd_widths_are_no_trouble() -> None:
    text = "call_id,patient_name,reason\n\nc-1,Jane,5' 10\" tall\n,,\nc-2,Ruth\nc-3,Ann,pain,more,\n"

    found = arrivals(text.encode())

    assert [read_back(arrival) for arrival in found] == [
        {"call_id": "c-1", "patient_name": "Jane", "reason": "5' 10\" tall"},
        {"call_id": "c-2", "patient_name": "Ruth", "reason": ""},
        {"call_id": "c-3", "patient_name": "Ann", "reason": "pain", "column 4": "more", "column 5": ""},
    ]


def test_two_different_rows_with_one_id_stay_two() -> None:
    found = arrivals(table(COLUMNS, [("c-1", "Jane", "x"), ("c-1", "Ruth", "x"), ("c-1", "Jane", "x")]).encode())

    assert found[0].submission_id == found[2].submission_id != found[1].submission_id


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"c-1,Jane Roe,Pain\nc-2,Ruth,Cough\n", RefusalCode.NO_HEADER),
        (b"\xff\xfe\x00", RefusalCode.NO_HEADER),
        (b"%PDF-1.4", RefusalCode.NO_HEADER),
        (b"call_id,patient_name,reason\n", RefusalCode.EMPTY),
        (b"call_id,patient_name,reason\n" + b"c,Jane,x\n" * 20_001, RefusalCode.TOO_MANY_ROWS),
    ],
    ids=["no header", "two bytes", "a PDF", "no rows", "too many rows"],
)
def test_a_table_that_can_not_be_taken_is_refused(content: bytes, code: RefusalCode) -> None:
    with pytest.raises(Refusal) as refusal:
        arrivals(content)

    assert refusal.value.code is code


@pytest.mark.parametrize(
    ("channel", "told", "expected"),
    [
        (Channel.CALLCENTRE, "2026-01-05T08:10:00-05:00", datetime(2026, 1, 5, 13, 10, tzinfo=UTC)),
        (Channel.CALLCENTRE, "01/05/2026 13:10", datetime(2026, 1, 5, 13, 10, tzinfo=UTC)),
        (Channel.CALLCENTRE, "2019-03-02T08:10:00-05:00", NOW),
        (Channel.CSV, "2019-03-02T08:10:00-05:00", datetime(2019, 3, 2, 13, 10, tzinfo=UTC)),
        (Channel.CSV, "2031-03-02T08:10:00-05:00", NOW),
        (Channel.CSV, "yesterday", NOW),
    ],
)
def test_a_row_may_say_when_it_was(channel: Channel, told: str, expected: datetime) -> None:
    content = table(("call_id", "received_at", "patient_name"), [("1", told, "Jane")]).encode()

    assert [arrival.received_at for arrival in arrivals(content, channel)] == [expected]


def test_the_caller_is_the_source_of_a_voicemail_and_of_nothing_else() -> None:
    content = table(VOICEMAIL_COLUMNS, [("v-1", "", "+16175550193", "4", ""), ("v-1", "", "+16175550194", "4", "")])

    voicemails = arrivals(content.encode(), Channel.VOICEMAIL)
    assert [arrival.sender.source for arrival in voicemails] == ["+16175550193", "+16175550194"]
    assert len({arrival.submission_id for arrival in voicemails}) == 2
    assert {arrival.sender for arrival in arrivals(content.encode(), Channel.CSV)} == {SENDER}


@settings(max_examples=50, deadline=None)
@given(junk=st.binary(max_size=400))
def test_any_bytes_are_taken_or_refused(junk: bytes) -> None:
    for content in (junk, b"call_id,patient_name\n" + junk):
        try:
            assert arrivals(content)
        except Refusal as refusal:
            assert refusal.code in (RefusalCode.NO_HEADER, RefusalCode.EMPTY)


@settings(max_examples=50, deadline=None)
@given(text=st.text(alphabet='",;x\n\r ', max_size=200))
def test_no_cell_is_lost_between_the_quotes(text: str) -> None:
    content = "call_id,patient_name\n" + text
    try:
        kept = b"".join(arrival.content for arrival in arrivals(content.encode()))
    except Refusal:
        kept = b""

    assert kept.count(b"x") >= text.count("x")


@pytest.mark.parametrize(
    "content",
    [
        table(CALL_COLUMNS, [call_row(str(n), RUTH) for n in range(10_000)]).encode(),
        b"call_id,patient_name\n" + b'"' * 2_000_000,
        b"call_id,patient_name\n" + b"x" * 19_000_000,
        b"call_id,patient_name\n" + b"," * 1_000_000,
        b'call_id,patient_name\n"' + b"\n" * 1_000_000 + b"x",
    ],
    ids=["10,000 calls", "quotes", "one long cell", "a million cells", "empty lines in quotes"],
)
@pytest.mark.timeout(20)
def test_large_tables_take_a_bounded_time(content: bytes) -> None:
    try:
        assert arrivals(content)
    except Refusal as refusal:
        assert refusal.code in (RefusalCode.TOO_MANY_ROWS, RefusalCode.EMPTY)
