"""Tell what a file is by its name and its beginning: the media type, and the channel it would come by."""

import re
from pathlib import PurePath

from schemas.vocabulary import Channel
from services.intake.channels import fhir, hl7, mail, portal, table
from services.intake.extraction.media_types import PDF, kind_of_bytes

HEAD = 4_096
ANYTHING = "application/octet-stream"
_TIFF = "image/tiff"
_BY_SUFFIX = {
    ".eml": mail.MEDIA_TYPE,
    ".csv": table.MEDIA_TYPE,
    ".hl7": hl7.MEDIA_TYPE,
    ".pdf": PDF,
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
}
_BY_CHANNEL = {
    Channel.PORTAL: portal.MEDIA_TYPE,
    Channel.FHIR: fhir.MEDIA_TYPE,
    Channel.HL7: hl7.MEDIA_TYPE,
    Channel.CALLCENTRE: table.MEDIA_TYPE,
    Channel.CSV: table.MEDIA_TYPE,
}
_CHANNEL_OF_TYPE = {
    mail.MEDIA_TYPE: Channel.MAIL,
    hl7.MEDIA_TYPE: Channel.HL7,
    PDF: Channel.FAX,
    _TIFF: Channel.FAX,
    "audio/wav": Channel.VOICEMAIL,
    "audio/mpeg": Channel.VOICEMAIL,
}
_MAIL_HEAD = re.compile(rb"\s*(?:[A-Za-z-]{2,40}:[^\n]*\n(?:[ \t][^\n]*\n)*){2}")
_RESOURCE = re.compile(rb'"resourceType"\s*:')
_CALL = re.compile(rb"call.?id", re.IGNORECASE)


def media_type_of(channel: Channel, name: str, head: bytes) -> str:
    """Return the media type of a file that came by a channel."""
    if channel in _BY_CHANNEL:
        return _BY_CHANNEL[channel]
    known = _BY_SUFFIX.get(PurePath(name).suffix.lower())
    return known or _by_bytes(head)


def channel_of(path: PurePath, head: bytes) -> Channel | None:
    """Return the channel a file would come by: that of its folder, else the likeliest, or None."""
    if path.parent.name in frozenset(Channel):
        return Channel(path.parent.name)
    suffix = path.suffix.lower()
    if suffix == ".json" or (not suffix and head.lstrip()[:1] == b"{"):
        return Channel.FHIR if _RESOURCE.search(head) else Channel.PORTAL
    if suffix == ".csv":
        first_line = head.replace(b"\x00", b"").partition(b"\n")[0]
        return Channel.CALLCENTRE if _CALL.search(first_line) else Channel.CSV
    return _CHANNEL_OF_TYPE.get(_BY_SUFFIX.get(suffix) or _by_bytes(head))


def _by_bytes(head: bytes) -> str:
    if head.lstrip().startswith(b"MSH"):
        return hl7.MEDIA_TYPE
    found = kind_of_bytes(head, "")
    if found:
        return found
    return mail.MEDIA_TYPE if _MAIL_HEAD.match(head) else ANYTHING
