"""HL7 v2 messages: the header that tells one from another, and the acknowledgement in its own terms."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schemas.ids import named_id
from schemas.vocabulary import Channel
from services.intake.channels.arrival import Arrival, Sender
from services.intake.channels.identity import digest_of, file_name_of, message_id_of
from services.intake.channels.refusal import Refusal, RefusalCode

MEDIA_TYPE = "application/hl7-v2"
LONGEST_HEADER = 4_000
#: places in the header segment, counted as HL7 does
SENT_AT, CONTROL_ID = 7, 10
_SEGMENT_END = re.compile(rb"\r\n?|\n")
_SIGNS = re.compile(rb"[^\w\s]{2,5}")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._:-]")
_LONGEST_CONTROL_ID = 199


class Acknowledgement(StrEnum):
    """What a sender is told (HL7 table 0008)."""

    ACCEPTED = "AA"
    ERROR = "AE"  #: this message is wrong; sending it again does not help
    REJECTED = "AR"  #: not now; send it again


@dataclass(frozen=True, slots=True)
class Header:
    """What the header segment tells."""

    control_id: str | None
    fields: tuple[bytes, ...]  #: in HL7's own counting: the first is MSH-1

    def field(self, number: int) -> bytes:
        """Return MSH-number, empty when it is not there."""
        return self.fields[number - 1] if number <= len(self.fields) else b""


def read_header(content: bytes) -> Header:
    """Read the header segment.

    Raises:
        Refusal: it is missing or can not be read.
    """
    first = _SEGMENT_END.split(content[:LONGEST_HEADER].lstrip(), maxsplit=1)[0]
    separator = first[3:4]
    if not first.startswith(b"MSH") or not separator or separator.isalnum() or separator.isspace():
        raise Refusal(RefusalCode.NO_HEADER)
    _, signs, *rest = first.split(separator)
    if not _SIGNS.fullmatch(signs):
        raise Refusal(RefusalCode.NO_HEADER)
    fields = (separator, signs, *rest)
    control_id = fields[CONTROL_ID - 1] if len(fields) >= CONTROL_ID else b""
    return Header(message_id_of(control_id.decode("utf-8", "replace").strip()), fields)


def hl7_arrival(sender: Sender, content: bytes, *, now: datetime, file_name: str | None = None) -> Arrival:
    """Return a message as an arrival.

    Raises:
        Refusal: it has no readable header.
    """
    header = read_header(content)
    return Arrival(
        sender=sender,
        channel=Channel.HL7,
        content=content,
        content_type=MEDIA_TYPE,
        received_at=now,
        substance=_substance(content, header),
        source_message_id=header.control_id,
        file_name=file_name_of(file_name),
    )


def acknowledge(code: Acknowledgement, *, control_id: str | None, text: str, now: datetime) -> bytes:
    """Return the acknowledgement; of the message it repeats the control id and nothing else."""
    repeated = plain_id(control_id or "")
    own_id = named_id("acknowledgement", code, repeated, text)[:20]
    segments = [
        f"MSH|^~\\&|BATON||||{now:%Y%m%d%H%M%S}+0000||ACK|{own_id}|P|2.5.1",
        f"MSA|{code}|{repeated}|{text}",
    ]
    if code is not Acknowledgement.ACCEPTED:
        segments.append(f"ERR||||E||||{text}")
    return "".join(f"{segment}\r" for segment in segments).encode("ascii", "replace")


def plain_id(control_id: str) -> str:
    """Return a sender's control id as it can be repeated to it."""
    return _NOT_PLAIN.sub("", control_id)[:_LONGEST_CONTROL_ID]


def _substance(content: bytes, header: Header) -> str:
    segments = [segment for segment in _SEGMENT_END.split(content.strip()) if segment]
    fields = list(header.fields)
    if header.control_id is not None and len(fields) >= SENT_AT:
        # interface engines write the time anew when they send a message again
        fields[SENT_AT - 1] = b""
    return digest_of(header.fields[0].join(fields[1:]), *segments[1:])
