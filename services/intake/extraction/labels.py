"""Read labelled fields from running text: mail bodies, PDF text, transcripts."""

from dataclasses import dataclass, field
from enum import Enum

from schemas.vocabulary import MissingItem
from services.intake.extraction.cells import Piece, pieces_of
from services.intake.extraction.field_names import FieldName, Fields
from services.intake.extraction.limits import LONGEST_TEXT_LINE, MOST_TEXT_LINES
from services.intake.rules.dates import parse_date
from services.intake.rules.names import PersonName, parse_name


class Section(Enum):
    """Whom the bare labels of a form are about."""

    PATIENT = "patient"
    REFERRER = "referrer"
    INSURANCE = "insurance"
    OTHER = "other"


_HEADINGS = {
    "patient information": Section.PATIENT,
    "patient demographics": Section.PATIENT,
    "patient details": Section.PATIENT,
    "demographics": Section.PATIENT,
    "referring provider information": Section.REFERRER,
    "referring physician information": Section.REFERRER,
    "referring provider details": Section.REFERRER,
    "referral source": Section.REFERRER,
    "referring office information": Section.REFERRER,
    "provider information": Section.REFERRER,
    "insurance information": Section.INSURANCE,
    "insurance details": Section.INSURANCE,
    "coverage": Section.INSURANCE,
    "referred to provider": Section.OTHER,
    "emergency contact": Section.OTHER,
    "pharmacy": Section.OTHER,
    "guarantor": Section.OTHER,
}
_PATIENTS = frozenset(
    {FieldName.PATIENT_NAME, FieldName.GIVEN_NAME, FieldName.LAST_NAME, FieldName.BIRTH_DATE, FieldName.SEX}
)
_REFERRERS = frozenset({FieldName.REFERRING_PROVIDER, FieldName.REFERRING_ORGANISATION, FieldName.REFERRING_NPI})
_INSURANCES = frozenset({FieldName.PAYER, FieldName.MEMBER_ID})
_BARE = {
    FieldName.ANY_NAME: {
        Section.PATIENT: FieldName.PATIENT_NAME,
        Section.REFERRER: FieldName.REFERRING_PROVIDER,
        Section.INSURANCE: FieldName.PAYER,
    },
    FieldName.ANY_PHONE: {Section.PATIENT: FieldName.PHONE, Section.REFERRER: FieldName.REFERRING_CONTACT},
    FieldName.ANY_FAX: {Section.REFERRER: FieldName.REFERRING_CONTACT},
    FieldName.ANY_ID: {Section.INSURANCE: FieldName.MEMBER_ID},
}
#: values that may go on over several lines
_LONG = frozenset({FieldName.REASON, FieldName.NOTE, FieldName.TRANSCRIPT, FieldName.DIAGNOSIS})
_LONGEST_NAME_WORDS = 7


@dataclass(slots=True)
class LabelledText:
    """The fields of a text, the text without them, and whether it speaks of more than one patient."""

    fields: Fields = field(default_factory=dict)
    unlabelled: list[str] = field(default_factory=list)
    has_two_patients: bool = False

    @property
    def troubles(self) -> tuple[MissingItem, ...]:
        """What people have to sort out."""
        return (MissingItem.SINGLE_PATIENT,) if self.has_two_patients else ()


def read_labels(text: str) -> LabelledText:
    """Return the labelled fields of a text; each field's first value counts."""
    return _LabelReader().read(text)


def is_other_patient(known: Fields, told: Fields) -> bool:
    """Tell whether two sets of fields name two different people."""
    if FieldName.PATIENT_NAME not in known or FieldName.PATIENT_NAME not in told:
        return False
    return not _may_be_same(parse_name(known[FieldName.PATIENT_NAME]), parse_name(told[FieldName.PATIENT_NAME]))


def contradicts_birth_date(known: Fields, told: Fields) -> bool:
    """Tell whether two sets of fields give two readable and different dates of birth."""
    dates = [parse_date(fields[FieldName.BIRTH_DATE]) for fields in (known, told) if FieldName.BIRTH_DATE in fields]
    return len(dates) == 2 and None not in dates and dates[0] != dates[1]


class _LabelReader:
    """Walks through the lines and remembers which part of the form it is in."""

    def __init__(self) -> None:
        self._result = LabelledText()
        self._section: Section | None = None
        self._is_heading = False
        self._section_line = 0
        self._line_number = 0
        #: labels that wait for their values on the next line
        self._waiting: list[FieldName] = []
        self._continued: FieldName | None = None

    def read(self, text: str) -> LabelledText:
        for line in text.splitlines()[:MOST_TEXT_LINES]:
            self._line_number += 1
            self._read_line(line[:LONGEST_TEXT_LINE].rstrip())
            if self._result.has_two_patients:
                break
        return self._result

    def _read_line(self, line: str) -> None:
        if not line.strip():
            self._continued = None
            return
        if heading := _HEADINGS.get(line.strip(" :-=*#_").lower()):
            self._enter(heading, is_heading=True)
            return
        pieces = pieces_of(line)
        if all(piece.field is None for piece in pieces):
            self._take_unlabelled(line, pieces)
            return
        self._continued = None
        self._waiting = []
        for piece in pieces:
            self._take(piece)

    def _take_unlabelled(self, line: str, pieces: list[Piece]) -> None:
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            values = [piece.value for piece in pieces] if len(waiting) == len(pieces) else [line.strip()]
            for name, value in zip(waiting, values, strict=False):
                self._set(name, value)
        elif self._continued is not None:
            known = self._result.fields.get(self._continued, "")
            self._result.fields[self._continued] = f"{known}\n{line.strip()}".strip()
        else:
            self._result.unlabelled.append(line.strip())

    def _take(self, piece: Piece) -> None:
        if piece.field is None:
            self._result.unlabelled.append(piece.value)
            return
        name = self._meaning(piece.field)
        if piece.value:
            self._set(name, piece.value)
        else:
            self._waiting.append(name)
        self._note_section(name, is_heading=not piece.value)

    def _meaning(self, name: FieldName) -> FieldName:
        bare = _BARE.get(name)
        if bare is None:
            return name
        return bare.get(self._section_of_bare_labels(name), FieldName.IGNORED)

    def _section_of_bare_labels(self, name: FieldName) -> Section:
        is_near = self._line_number - self._section_line <= 1
        if self._section is not None and (self._is_heading or is_near or self._section is Section.PATIENT):
            return self._section
        is_letterhead = self._section is None and bool(self._result.unlabelled) and name is not FieldName.ANY_NAME
        return Section.REFERRER if is_letterhead and not self._result.fields else Section.PATIENT

    def _note_section(self, name: FieldName, *, is_heading: bool) -> None:
        if name in _PATIENTS:
            self._enter(Section.PATIENT, is_heading=is_heading)
        elif name in _REFERRERS:
            self._enter(Section.REFERRER, is_heading=is_heading)
        elif name in _INSURANCES:
            self._enter(Section.INSURANCE, is_heading=is_heading)

    def _enter(self, section: Section, *, is_heading: bool) -> None:
        # a form's heading holds until the next part begins; a single line about the referrer only for its neighbours
        if section is self._section and self._is_heading:
            is_heading = True
        self._section, self._is_heading, self._section_line = section, is_heading, self._line_number

    def _set(self, name: FieldName, value: str) -> None:
        if name is FieldName.IGNORED or (name is FieldName.PATIENT_NAME and not _looks_like_name(value)):
            return
        fields = self._result.fields
        told: Fields = {name: value}
        if is_other_patient(fields, told):
            self._result.has_two_patients = True
            return
        if contradicts_birth_date(fields, told):
            # which of the two is right is for people to say, so that neither counts
            fields[FieldName.BIRTH_DATE] = ""
        fields.setdefault(name, value)
        self._continued = name if name in _LONG and fields[name] == value else None


def _looks_like_name(value: str) -> bool:
    return len(value.split()) <= _LONGEST_NAME_WORDS and parse_name(value).last is not None


def _may_be_same(one: PersonName, other: PersonName) -> bool:
    last, last_other = (one.last or "").lower().split(), (other.last or "").lower().split()
    if not set(last) & set(last_other):
        # "Roe Jane" may be "Jane Roe" written the other way round
        return {*last, (one.given or "").lower()} == {*last_other, (other.given or "").lower()}
    given, given_other = (one.given or "").lower(), (other.given or "").lower()
    return not given or not given_other or given[:3] == given_other[:3] or 1 in (len(given), len(given_other))
