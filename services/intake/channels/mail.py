"""Mails, and the faxes and voicemails that come as mails: just enough of the head to know one from another."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from schemas.vocabulary import Channel
from services.intake.channels.arrival import Arrival, Sender
from services.intake.channels.identity import believable_time, digest_of, file_name_of, message_id_of
from services.intake.channels.limits import LARGEST_MAIL_HEAD

MEDIA_TYPE = "message/rfc822"
#: a mail may have waited this long on its way
OLDEST = timedelta(days=7)
#: what the author wrote; everything else is added or changed on the way
_AUTHORS_FIELDS = frozenset(
    [b"from", b"subject", b"date", b"content-type", b"content-transfer-encoding", b"content-disposition"]
)
_NOTED = _AUTHORS_FIELDS | {b"message-id"}
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_FIELD = re.compile(rb"([!-9;-~]{1,70})[ \t]*:(.*)", re.DOTALL)
_MESSAGE_ID = re.compile(r"<([^<>\s]{3,248})>|([^<>\s]{3,248})")
_LONGEST_DATE = 100


@dataclass(frozen=True, slots=True)
class MailHead:
    """What the head of a mail tells; all of it is the sender's own word."""

    message_id: str | None
    date: datetime | None
    substance: str


def mail_arrival(
    sender: Sender, channel: Channel, content: bytes, *, now: datetime, file_name: str | None = None
) -> Arrival:
    """Return a mail as an arrival; one whose head can not be read is taken as it is."""
    head = read_head(content)
    return Arrival(
        sender=sender,
        channel=channel,
        content=content,
        content_type=MEDIA_TYPE,
        received_at=believable_time(head.date, now=now, oldest=OLDEST),
        substance=head.substance,
        source_message_id=head.message_id,
        file_name=file_name_of(file_name),
    )


def file_arrival(
    sender: Sender,
    channel: Channel,
    content: bytes,
    *,
    content_type: str,
    now: datetime,
    message_id: str | None = None,
    file_name: str | None = None,
) -> Arrival:
    """Return a bare file, such as a fax server's PDF, as an arrival."""
    return Arrival(
        sender=sender,
        channel=channel,
        content=content,
        content_type=content_type,
        received_at=now,
        substance=digest_of(content),
        source_message_id=message_id_of(message_id),
        file_name=file_name_of(file_name),
    )


def read_head(content: bytes) -> MailHead:
    """Read the head of a mail in time that grows with its size only."""
    end = _END_OF_HEAD.search(content, 0, LARGEST_MAIL_HEAD)
    if end is None:
        return MailHead(message_id=None, date=None, substance=digest_of(content))
    fields = [(name, value) for name, value in _fields(content[: end.start()]) if name in _NOTED]
    kept = sorted(b"%s:%s" % field for field in fields if field[0] in _AUTHORS_FIELDS)
    body = content[end.end() :].replace(b"\r\n", b"\n").rstrip()
    return MailHead(
        message_id=_message_id([value for name, value in fields if name == b"message-id"]),
        date=_date([value for name, value in fields if name == b"date"]),
        substance=digest_of(*kept, body),
    )


def _fields(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    unfolded = re.sub(rb"\r?\n[ \t]+", b" ", head)
    for line in unfolded.splitlines():
        if found := _FIELD.fullmatch(line):
            yield found[1].lower(), b" ".join(found[2].split())


def _message_id(values: list[bytes]) -> str | None:
    # two ids are none: nobody can tell which one counts
    if len(values) != 1:
        return None
    found = _MESSAGE_ID.fullmatch(values[0].decode("utf-8", "replace").strip())
    return message_id_of(found[1] or found[2]) if found else None


def _date(values: list[bytes]) -> datetime | None:
    if len(values) != 1 or len(values[0]) > _LONGEST_DATE:
        return None
    with suppress(ValueError, TypeError, IndexError, OverflowError):
        return parsedate_to_datetime(values[0].decode("latin-1"))
    return None
