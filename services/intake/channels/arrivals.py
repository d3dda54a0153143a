"""Turn what came in by a channel into arrivals, whichever door it came through."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from schemas.vocabulary import Channel
from services.intake.channels import fhir, hl7, mail, portal, table
from services.intake.channels.arrival import Arrival, Sender
from services.intake.channels.hl7_batch import read_sent
from services.intake.channels.limits import LARGEST
from services.intake.channels.refusal import Refusal, RefusalCode
from services.intake.extraction.media_types import bare_type, kind_of_bytes

ANYTHING = "application/octet-stream"
_MAILED = frozenset({Channel.MAIL, Channel.FAX, Channel.VOICEMAIL})
_FILES: Mapping[Channel, frozenset[str]] = {
    Channel.MAIL: frozenset(),
    Channel.FAX: frozenset({"application/pdf", "image/tiff"}),
    Channel.VOICEMAIL: frozenset({"audio/wav", "audio/mpeg", "audio/ogg", "audio/x-wav"}),
}
_TABLES = frozenset({Channel.CALLCENTRE, Channel.CSV, Channel.VOICEMAIL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What a door was handed."""

    channel: Channel
    content: bytes
    content_type: str
    message_id: str | None = None
    file_name: str | None = None


def arrivals_of(handed: Handed, sender: Sender, *, now: datetime) -> list[Arrival]:
    """Return the arrivals in what was handed in: one, or one for each row of a table or message of a batch.

    Raises:
        Refusal: it is not taken.
    """
    content, name = handed.content, handed.file_name
    if not content.strip():
        raise Refusal(RefusalCode.EMPTY)
    if len(content) > LARGEST[handed.channel]:
        raise Refusal(RefusalCode.TOO_LARGE)
    match handed.channel:
        case Channel.HL7:
            return _messages(handed, sender, now=now)
        case Channel.FHIR:
            return [fhir.fhir_arrival(sender, content, now=now, file_name=name)]
        case Channel.PORTAL:
            return [portal.form_arrival(sender, content, now=now, message_id=handed.message_id, file_name=name)]
        case _:
            return _by_media_type(handed, sender, now=now)


def media_types_of(channel: Channel) -> list[str]:
    """List what a message of a channel without a media type of its own may be."""
    tables = table.MEDIA_TYPES if channel in _TABLES else ()
    mails = (mail.MEDIA_TYPE,) if channel in _MAILED else ()
    return sorted({*tables, *mails, *_FILES.get(channel, ())})


def _messages(handed: Handed, sender: Sender, *, now: datetime) -> list[Arrival]:
    sent = read_sent(handed.content)
    refusals = 0
    arrivals: list[Arrival] = []
    for message in sent.messages:
        try:
            arrivals.append(hl7.hl7_arrival(sender, message, now=now, file_name=handed.file_name))
        except Refusal:
            # one answer speaks for all of them, so that people look at the bad one and the good ones go on
            arrivals.append(_unread_message(handed, message, sender, now=now))
            refusals += 1
    if refusals and refusals == len(arrivals):
        raise Refusal(RefusalCode.NO_HEADER)
    if sent.lacks_messages:
        arrivals.append(_unread_message(handed, handed.content, sender, now=now))
    return arrivals


def _unread_message(handed: Handed, content: bytes, sender: Sender, *, now: datetime) -> Arrival:
    return mail.file_arrival(
        sender, handed.channel, content, content_type=hl7.MEDIA_TYPE, now=now, file_name=handed.file_name
    )


def _by_media_type(handed: Handed, sender: Sender, *, now: datetime) -> list[Arrival]:
    kind = bare_type(handed.content_type)
    channel, content, name = handed.channel, handed.content, handed.file_name
    if channel in _TABLES and kind in table.MEDIA_TYPES:
        return table.table_arrivals(sender, channel, content, now=now, file_name=name)
    if channel in _MAILED and kind == mail.MEDIA_TYPE:
        return [mail.mail_arrival(sender, channel, content, now=now, file_name=name)]
    if kind not in _FILES.get(channel, frozenset()):
        raise Refusal(RefusalCode.UNSUPPORTED_TYPE)
    return [_file(handed, kind, sender, now=now)]


def unread(handed: Handed, sender: Sender, *, now: datetime) -> Arrival:
    """Return content that nobody can be told about as one arrival, for people to look at (R13)."""
    return _file(handed, kind_of_bytes(handed.content, handed.content_type or ANYTHING), sender, now=now)


def _file(handed: Handed, kind: str, sender: Sender, *, now: datetime) -> Arrival:
    return mail.file_arrival(
        sender,
        handed.channel,
        handed.content,
        content_type=kind,
        now=now,
        message_id=handed.message_id,
        file_name=handed.file_name,
    )
