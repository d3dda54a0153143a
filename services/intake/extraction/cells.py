"""Cut a line of a form into labels and values: "Patient: X   DOB: Y", columns, "DOB 01/05/1970"."""

import re
from dataclasses import dataclass

from services.intake.extraction.field_names import LONGEST_LABEL_WORDS, FieldName, labelled

_CELLS = re.compile(r"\t+| {2,}|\s*\|\s*")
_MARK = re.compile(r"\s*#?\s*[:=]\s*|\s+[-–—]\s+")
_WORD = re.compile(r"[^\s,;]+")
#: labels that are followed by a digit may do without a colon
_BARE_NUMBER = re.compile(r"\b(DOB|D\.O\.B\.|Date of Birth|MRN|NPI|Member ID)\s*#?\s*(?=\d)", re.IGNORECASE)
#: labels so clear that they open a line without a colon
_BARE_OPENING = re.compile(
    r"(patient name|date of birth|referring provider|referring physician|referred by|reason for referral|"
    r"member id|phone number|insurance company|home phone|cell phone)\s+(?=\S)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A label with what follows it, or text without a label."""

    field: FieldName | None
    value: str


def pieces_of(line: str) -> list[Piece]:
    """Return the labels and values of a line, in order; a label whose value is elsewhere has an empty one."""
    line = _BARE_NUMBER.sub(r"  \1: ", line)
    pieces: list[Piece] = []
    for cell in _CELLS.split(line.strip()):
        if cell:
            _add(pieces, _pieces_of_cell(cell))
    return pieces


def _add(pieces: list[Piece], found: list[Piece]) -> None:
    # "Patient Name:     Jane Roe": the label and its value stand in two cells
    if pieces and found and pieces[-1].field is not None and not pieces[-1].value and found[0].field is None:
        pieces[-1] = Piece(pieces[-1].field, found[0].value)
        found = found[1:]
    pieces.extend(found)


def _pieces_of_cell(cell: str) -> list[Piece]:
    if (whole := labelled(cell)) is not None and len(cell.split()) <= LONGEST_LABEL_WORDS:
        return [Piece(whole, "")]
    opening = _BARE_OPENING.match(cell)
    if opening and not cell[opening.end() :].startswith((":", "-", "(")):
        cell = f"{opening[1]}: {cell[opening.end() :]}"
    return _by_marks(cell)


def _by_marks(cell: str) -> list[Piece]:
    pieces: list[Piece] = []
    field: FieldName | None = None
    begin = 0
    for mark in _MARK.finditer(cell):
        found = _label_before(cell, begin, mark)
        if found is None:
            continue
        label_at, next_field = found
        before = cell[begin:label_at].strip(" ,;")
        if field is not None or before:
            pieces.append(Piece(field, before))
        field, begin = next_field, mark.end()
    pieces.append(Piece(field, cell[begin:].strip(" ,;") if field else cell[begin:].strip()))
    return pieces


def _label_before(cell: str, begin: int, mark: re.Match[str]) -> tuple[int, FieldName] | None:
    words = list(_WORD.finditer(cell, begin, mark.start()))[-LONGEST_LABEL_WORDS:]
    is_dash = "-" in mark[0] or "–" in mark[0] or "—" in mark[0]
    for word in words:
        field = labelled(cell[word.start() : mark.start()])
        if field is None:
            continue
        opens = not cell[begin : word.start()].strip()
        # in a running sentence "the patient: he" is no label, while "Jane Roe DOB: 1970-01-05" holds one
        if opens if is_dash else opens or word[0][0].isupper() or cell[word.start() - 2] in ",;.":
            return word.start(), field
    return None
