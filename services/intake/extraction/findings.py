"""What a reader finds in a message: fields as written, files inside it, and troubles."""

from dataclasses import dataclass, field
from enum import StrEnum

from schemas.vocabulary import MissingItem
from services.intake.extraction.field_names import Fields


class Part(StrEnum):
    """Which part of a message a text stood in; earlier ones outrank later ones."""

    MESSAGE = "message"  #: what the sender wrote now
    DOCUMENT = "document"  #: a file that came along
    QUOTED = "quoted"  #: what was written before and is quoted, or the subject line


class FileRole(StrEnum):
    """What a file is to the referral; the word stands in `Document.kind`."""

    REFERRAL_LETTER = "referral_letter"
    ATTACHMENT = "attachment"
    MESSAGE = "message"
    RECORDING = "recording"
    TRANSCRIPT = "transcript"


@dataclass(slots=True)
class FoundFile:
    """A file inside a message, or pointed at by it."""

    content_type: str
    role: FileRole
    data: bytes = b""
    #: set when the bytes are in the document store already
    digest: str | None = None
    size: int = 0


@dataclass(slots=True)
class FoundText:
    """What one text told."""

    part: Part
    fields: Fields = field(default_factory=dict)
    #: unlabelled text, as a note for staff
    note: str = ""
    #: digest of the whole text; empty when there was none
    text_digest: str = ""
    troubles: tuple[MissingItem, ...] = ()
    #: position of the file it was read from, among the files found so far; None for the message itself
    file_index: int | None = None


Finding = FoundFile | FoundText
