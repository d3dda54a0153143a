"""Put together what the parts of a message tell: what was written now outranks documents, those what is quoted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from schemas.vocabulary import MissingItem
from services.intake.extraction.field_names import FieldName, Fields
from services.intake.extraction.findings import Finding, FoundFile, FoundText, Part
from services.intake.extraction.labels import contradicts_birth_date, is_other_patient, read_labels

_UNREAD = frozenset({MissingItem.READABLE_DOCUMENT, MissingItem.DOCUMENT_PASSWORD})
_RANK = {Part.MESSAGE: 0, Part.DOCUMENT: 1, Part.QUOTED: 2}


@dataclass(slots=True)
class Extraction:
    """All that was found in a message."""

    fields: Fields = field(default_factory=dict)
    note: str = ""
    troubles: set[MissingItem] = field(default_factory=set)
    files: list[FoundFile] = field(default_factory=list)
    #: positions of the files whose text was read
    readable: set[int] = field(default_factory=set)
    text_digests: list[str] = field(default_factory=list)
    #: whether the original message itself could be read
    is_message_readable: bool = False


def assemble(findings: Sequence[Finding], *, is_complete: bool = True) -> Extraction:
    """Return the findings as one; an incomplete reading leaves an unreadable document."""
    extraction = Extraction()
    # most messages are one text and nothing else
    if len(findings) == 1 and isinstance(only := findings[0], FoundText):
        _add(extraction, only)
    else:
        texts = [finding for finding in findings if isinstance(finding, FoundText)]
        for text in sorted(texts, key=lambda text: _RANK[text.part]):
            _add(extraction, text)
        extraction.files = [finding for finding in findings if isinstance(finding, FoundFile)]
    if not is_complete:
        extraction.troubles.add(MissingItem.READABLE_DOCUMENT)
    if FieldName.TRANSCRIPT in extraction.fields:
        _add_transcript(extraction)
    return extraction


def _add(extraction: Extraction, text: FoundText) -> None:
    if text.troubles:
        extraction.troubles.update(text.troubles)
    if text.text_digest:
        extraction.text_digests.append(text.text_digest)
    if text.note:
        extraction.note = f"{extraction.note}\n{text.note}".strip()
    if not text.troubles or _UNREAD.isdisjoint(text.troubles):
        if text.file_index is None:
            extraction.is_message_readable = True
        else:
            extraction.readable.add(text.file_index)
    if not extraction.fields:
        extraction.fields = text.fields
        return
    if is_other_patient(extraction.fields, text.fields):
        # an older referral quoted below was a message of its own; a document about somebody else was not
        if text.part is not Part.QUOTED:
            extraction.troubles.add(MissingItem.SINGLE_PATIENT)
        return
    _fill_gaps(extraction.fields, text.fields)


def _fill_gaps(known: Fields, told: Fields) -> None:
    if contradicts_birth_date(known, told):
        known[FieldName.BIRTH_DATE] = ""
    has_name = FieldName.LAST_NAME in known or FieldName.GIVEN_NAME in known
    for name, value in told.items():
        if not (has_name and name is FieldName.PATIENT_NAME):
            known.setdefault(name, value)


def _add_transcript(extraction: Extraction) -> None:
    transcript = extraction.fields.pop(FieldName.TRANSCRIPT)
    labelled = read_labels(transcript)
    _fill_gaps(extraction.fields, labelled.fields)
    extraction.note = _joined((extraction.note, *labelled.unlabelled))
    extraction.troubles.update(labelled.troubles)


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(filter(None, lines))
