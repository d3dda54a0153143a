"""Choose the reader of a submission by its channel, and by its bytes where a channel takes several formats."""

from schemas.vocabulary import Channel
from services.intake.extraction.findings import FileRole
from services.intake.extraction.limits import LARGEST_IN_PROCESS
from services.intake.extraction.media_types import bare_type, is_recording, kind_of_bytes
from services.intake.extraction.wire import Format

_BY_CHANNEL = {
    Channel.PORTAL: Format.FORM,
    Channel.CALLCENTRE: Format.CSV,
    Channel.CSV: Format.CSV,
    Channel.HL7: Format.HL7,
    Channel.FHIR: Format.FHIR,
}
_TABLES = frozenset({"text/csv", "application/csv", "application/vnd.ms-excel"})


def structured_format(channel: Channel, content_type: str) -> Format | None:
    """Return the format of a message that a system wrote, None for one that people wrote or scanned."""
    found = _BY_CHANNEL.get(channel)
    if found is None and bare_type(content_type) in _TABLES:
        return Format.CSV
    return found


def foreign_format(data: bytes, content_type: str) -> Format | None:
    """Return the format of a message that people wrote or scanned, None for a mere recording."""
    kind = kind_of_bytes(data, content_type)
    if is_recording(kind):
        return None
    return Format.MAIL if kind.startswith("message/") or kind in _AS_MAIL else Format.FILES


def is_read_in_process(data: bytes) -> bool:
    """Tell whether a structured message is small enough to hold up nobody."""
    return len(data) <= LARGEST_IN_PROCESS


def role_of_message(channel: Channel, content_type: str) -> FileRole:
    """Return what the original message is to the referral."""
    kind = bare_type(content_type)
    if is_recording(kind):
        return FileRole.RECORDING
    if channel is Channel.VOICEMAIL and kind in _TABLES:
        return FileRole.TRANSCRIPT
    if channel is Channel.FAX and not kind.startswith("message/"):
        return FileRole.REFERRAL_LETTER
    return FileRole.MESSAGE


_AS_MAIL = frozenset({"", "application/octet-stream", "application/mbox"})
