"""Read a mail: its newest part, the quoted rest, and the files attached to it."""

import email
import email.errors
import email.header
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.policy import compat32

from schemas.vocabulary import Channel, MissingItem
from services.intake.extraction.charsets import decode_text
from services.intake.extraction.documents import read_document
from services.intake.extraction.findings import FileRole, Finding, FoundFile, FoundText, Part
from services.intake.extraction.html_text import visible_text
from services.intake.extraction.labels import read_labels
from services.intake.extraction.limits import (
    DEEPEST_MAIL,
    LARGEST_HEAD,
    LARGEST_PARSED,
    LONGEST_DOCUMENT_TEXT,
    LONGEST_HEADER,
    MOST_FILES,
    MOST_MAIL_PARTS,
)
from services.intake.extraction.media_types import is_recording, is_text, kind_of_bytes
from services.intake.extraction.recogniser import TextRecogniser
from services.intake.extraction.reply_chain import split_reply
from services.intake.rules.fingerprint import text_digest
from services.intake.rules.texts import layout_text, one_line

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_BOUNDARY = re.compile(rb"boundary\s*=", re.IGNORECASE)
_NESTED = re.compile(rb"^content-type:\s*message/", re.IGNORECASE | re.MULTILINE)
_ENCODED_WORDS_READ = 20
#: what mail programs add by themselves and nobody has to read
_HARMLESS = ("text/calendar", "text/x-vcard", "text/vcard", "application/pgp-signature", "application/pkcs7-signature",
             "application/x-pkcs7-signature", "message/delivery-status", "application/ics")  # fmt: skip
_UNREADABLE = FoundText(part=Part.MESSAGE, troubles=(MissingItem.READABLE_DOCUMENT,))


@dataclass(slots=True)
class _Parts:
    plain: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)
    forwarded: list[str] = field(default_factory=list)
    files: list[FoundFile] = field(default_factory=list)
    is_cut: bool = False


def read_mail(data: bytes, *, channel: Channel, recogniser: TextRecogniser) -> Iterator[Finding]:
    """Yield what a mail tells, the files in it first, so that a file that can not be read costs nothing else."""
    if is_beyond_limits(data):
        yield _UNREADABLE
        return
    try:
        message = email.message_from_bytes(data, policy=compat32)
        parts = _parts_of(message, channel)
    except (RecursionError, email.errors.MessageError, ValueError, LookupError, AttributeError, TypeError, KeyError):
        yield _UNREADABLE
        return
    yield from parts.files
    yield from _texts(message, parts, channel)
    for index, file in enumerate(parts.files):
        if file.role is not FileRole.RECORDING:
            yield read_document(file.data, file.content_type, recogniser=recogniser, file_index=index)


def is_beyond_limits(data: bytes) -> bool:
    """Tell from a cheap look at the bytes whether parsing them could cost too much."""
    has_huge_head = len(data) > LARGEST_HEAD and not _BLANK_LINE.search(data, 0, LARGEST_HEAD)
    if has_huge_head or len(data) > LARGEST_PARSED:
        return True
    levels = len(_BOUNDARY.findall(data)) + len(_NESTED.findall(data))
    return levels > DEEPEST_MAIL or data.count(b"\n--") > 4 * MOST_MAIL_PARTS


def _parts_of(message: Message, channel: Channel) -> _Parts:
    parts = _Parts()
    for number, (part, is_forwarded) in enumerate(_walk(message, depth=0, is_forwarded=False)):
        if number >= MOST_MAIL_PARTS or len(parts.files) >= MOST_FILES:
            parts.is_cut = True
            break
        _sort_part(part, parts, channel, is_forwarded=is_forwarded)
    return parts


def _walk(message: Message, *, depth: int, is_forwarded: bool) -> Iterator[tuple[Message, bool]]:
    payload = message.get_payload()
    if not isinstance(payload, list):
        yield message, is_forwarded
        return
    if depth > DEEPEST_MAIL:
        return
    nested = is_forwarded or message.get_content_type() == "message/rfc822"
    for part in payload:
        if isinstance(part, Message):
            yield from _walk(part, depth=depth + 1, is_forwarded=nested)


def _sort_part(part: Message, parts: _Parts, channel: Channel, *, is_forwarded: bool) -> None:
    told = part.get_content_type()
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    is_attached = part.get_content_disposition() == "attachment"
    kind = kind_of_bytes(data, told)
    if told in ("text/plain", "text/html") and is_text(kind) and not is_attached:
        text = decode_text(data[: 4 * LONGEST_DOCUMENT_TEXT], part.get_content_charset())
        if is_forwarded:
            parts.forwarded.append(visible_text(text) if told == "text/html" else text)
        else:
            (parts.html if told == "text/html" else parts.plain).append(text)
    elif data and kind not in _HARMLESS and not (_is_decoration(part, kind) and channel is not Channel.FAX):
        parts.files.append(FoundFile(content_type=kind, role=_role(kind, channel), data=data, size=len(data)))


def _is_decoration(part: Message, kind: str) -> bool:
    # logos in signatures are shown in the text; a photographed page is attached
    return kind.startswith("image/") and (part.get_content_disposition() == "inline" or "content-id" in part)


def _role(kind: str, channel: Channel) -> FileRole:
    if is_recording(kind):
        return FileRole.RECORDING
    if channel is Channel.VOICEMAIL and is_text(kind):
        return FileRole.TRANSCRIPT
    return FileRole.REFERRAL_LETTER if channel is Channel.FAX else FileRole.ATTACHMENT


def _texts(message: Message, parts: _Parts, channel: Channel) -> Iterator[FoundText]:
    body = "\n".join(parts.plain)
    if not body.strip():
        body = "\n".join(map(visible_text, parts.html))
    newest, quoted = split_reply(layout_text(body, limit=LONGEST_DOCUMENT_TEXT))
    is_empty = not newest.strip() and not quoted and not parts.forwarded and not parts.files
    if channel is Channel.FAX and parts.files:
        # what a fax gateway writes around the pages is about the transmission, not about a patient
        newest = quoted = ""
    yield _told(newest, Part.MESSAGE, _message_troubles(is_empty=is_empty, is_cut=parts.is_cut))
    for text in (quoted, *parts.forwarded, _subject(message)):
        if text.strip():
            yield _told(layout_text(text, limit=LONGEST_DOCUMENT_TEXT), Part.QUOTED)


def _told(text: str, part: Part, troubles: tuple[MissingItem, ...] = ()) -> FoundText:
    labelled = read_labels(text)
    return FoundText(
        part=part,
        fields=labelled.fields,
        note="\n".join(labelled.unlabelled) if part is Part.MESSAGE else "",
        text_digest=text_digest(text) if part is Part.MESSAGE else "",
        troubles=(*troubles, *(labelled.troubles if part is Part.MESSAGE else ())),
    )


def _message_troubles(*, is_empty: bool, is_cut: bool) -> tuple[MissingItem, ...]:
    if is_empty:
        return (MissingItem.MESSAGE_CONTENT,)
    return (MissingItem.READABLE_DOCUMENT,) if is_cut else ()


def _subject(message: Message) -> str:
    raw = message.get("Subject")
    return one_line("".join(_decoded(str(raw)[:LONGEST_HEADER]))) if raw is not None else ""


def _decoded(header: str) -> Iterable[str]:
    if header.count("=?") > 2 * _ENCODED_WORDS_READ:
        return [header[:LONGEST_HEADER]]
    try:
        pieces = email.header.decode_header(header)
    except (email.errors.HeaderParseError, ValueError):
        return [header]
    return [text if isinstance(text, str) else decode_text(text, charset) for text, charset in pieces]
