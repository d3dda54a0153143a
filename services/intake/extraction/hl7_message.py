"""Read an HL7 v2 REF^I12 message: cut it by its own delimiters and take the referral's fields."""

import base64
import binascii
import re
from collections.abc import Iterator

from schemas.vocabulary import MissingItem
from services.intake.extraction.charsets import decode_text
from services.intake.extraction.field_names import FieldName, Fields
from services.intake.extraction.findings import FileRole, Finding, FoundFile, FoundText, Part
from services.intake.extraction.limits import MOST_FILES
from services.intake.extraction.media_types import kind_of_bytes
from services.intake.rules.specialty import recognise_specialty

MOST_SEGMENTS = 2_000
_FRAMING = b"\x0b\x1c\r\n \t"
_ESCAPE = re.compile(r"\\([A-Za-z.][^\\]{0,20})\\")
_PLAIN_ESCAPES = {"F": "|", "S": "^", "T": "&", "R": "~", "E": "\\", ".br": "\n"}
_PRIORITIES = {"S": "stat", "A": "asap", "R": "routine", "U": "urgent"}
_CHARSETS = {"8859/1": "iso-8859-1", "8859/15": "iso-8859-15", "UNICODE UTF-8": "utf-8", "ASCII": "utf-8"}
_UNREADABLE = FoundText(part=Part.MESSAGE, troubles=(MissingItem.READABLE_DOCUMENT,))
_EMPTY = FoundText(part=Part.MESSAGE, troubles=(MissingItem.MESSAGE_CONTENT,))


class Segment:
    """One line of a message, asked by field and component number as the standard counts them."""

    __slots__ = ("_component", "_fields", "_repetition", "_subcomponent", "name")

    def __init__(self, line: str, *, field: str, encoding: str) -> None:
        self._fields = line.split(field)
        self._component, self._repetition = encoding[0], encoding[1]
        self._subcomponent = encoding[3] if len(encoding) > 3 else "&"
        self.name = self._fields[0]

    def repetitions(self, number: int) -> list[list[str]]:
        """Return each repetition of a field as its components."""
        raw = self._fields[number] if number < len(self._fields) else ""
        if not raw or raw == '""':
            return []
        return [repetition.split(self._component) for repetition in raw.split(self._repetition) if repetition]

    def get(self, number: int, component: int = 1) -> str:
        """Return a component of a field's first repetition, empty when there is none."""
        raw = self._fields[number] if number < len(self._fields) else ""
        if not raw:
            return ""
        components = raw.split(self._repetition, 1)[0].split(self._component)
        return self.plain(components[component - 1]) if component <= len(components) else ""

    def plain(self, text: str) -> str:
        """Return a component's text without escapes and subcomponents."""
        text = text.split(self._subcomponent, 1)[0]
        text = "" if text == '""' else text
        return _ESCAPE.sub(_unescaped, text).strip() if "\\" in text else text.strip()

    def text(self, number: int) -> str:
        """Return all of a field as text: identifier, words and repetitions."""
        repetitions = [self.plain(r[1] if len(r) > 1 and r[1] else r[0]) for r in self.repetitions(number)]
        return " ".join(filter(None, repetitions))


def read_hl7(data: bytes) -> list[Finding]:
    """Return what a message tells and the documents embedded in it."""
    data = data.strip(_FRAMING)
    if not data:
        return [_EMPTY]
    segments = _segments(data)
    if not segments:
        return [_UNREADABLE]
    fields: Fields = {}
    for segment in segments:
        reader = _READERS.get(segment.name)
        if reader is not None:
            for name, value in reader(segment):
                if value and name is FieldName.NOTE and name in fields:
                    fields[name] = f"{fields[name]}\n{value}"
                elif value and name not in fields:
                    fields[name] = value
    # a specialty that nobody knows is for people to read; one that is known stands anywhere
    unknown = next((segment.text(3) for segment in segments if segment.name == "RF1"), "")
    if unknown:
        fields.setdefault(FieldName.SPECIALTY, unknown)
    files = [file for segment in segments if segment.name == "OBX" for file in _embedded(segment)]
    return [*files[:MOST_FILES], FoundText(part=Part.MESSAGE, fields=fields)]


def _segments(data: bytes) -> list[Segment]:
    if not data.startswith(b"MSH") or len(data) < 9:
        return []
    lines = [line for line in re.split(r"[\r\n]+", decode_text(data, _charset(data)))[:MOST_SEGMENTS] if line]
    separator, encoding = lines[0][3], lines[0][4:].split(lines[0][3], 1)[0]
    if separator.isalnum() or len(encoding) < 2:
        return []
    return [Segment(line, field=separator, encoding=encoding) for line in lines]


def _charset(data: bytes) -> str | None:
    header = data.split(b"\r", 1)[0].split(b"\n", 1)[0][:2000].decode("latin-1")
    cells = header.split(header[3])
    return _CHARSETS.get(cells[17].split("~")[0]) if len(cells) > 17 else None


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    if code in _PLAIN_ESCAPES:
        return _PLAIN_ESCAPES[code]
    if code.startswith("X"):
        try:
            return decode_text(bytes.fromhex(code[1:]))
        except ValueError:
            return ""
    return "\n" if code.startswith(".") else ""


Told = Iterator[tuple[FieldName, str]]


def _patient(pid: Segment) -> Told:
    yield FieldName.LAST_NAME, pid.get(5, 1)
    yield FieldName.GIVEN_NAME, pid.get(5, 2)
    yield FieldName.MIDDLE_NAME, pid.get(5, 3)
    yield FieldName.BIRTH_DATE, pid.get(7)
    yield FieldName.SEX, pid.get(8)
    for number in (13, 14):
        for telephone in pid.repetitions(number):
            yield FieldName.PHONE, _telephone(pid, telephone)
    identifiers = pid.repetitions(3)
    own = next((i for i in identifiers if len(i) > 4 and i[4].startswith("MR")), None)
    if own is None and identifiers:
        own = next((i for i in identifiers if len(i) < 5 or not i[4]), None)
    yield FieldName.MRN, pid.plain(own[0]) if own else ""
    others = [i for i in identifiers if i is not own and i[0]]
    yield FieldName.EXTERNAL_ID, "\n".join(f"{_authority(pid, i)}|{pid.plain(i[0])}" for i in others)


def _authority(pid: Segment, identifier: list[str]) -> str:
    parts = [pid.plain(identifier[place]) for place in (3, 4) if place < len(identifier)]
    return ".".join(filter(None, parts)) or "id"


def _telephone(segment: Segment, components: list[str]) -> str:
    if components[0]:
        return segment.plain(components[0])
    if len(components) > 11 and components[11]:
        return segment.plain(components[11])
    return "".join(components[5:7]) if len(components) > 6 else ""


def _referral(rf1: Segment) -> Told:
    priority = rf1.get(2)
    yield FieldName.PRIORITY, _PRIORITIES.get(priority.upper(), priority)
    kind = next((text for text in (rf1.text(3), rf1.get(3), rf1.text(5)) if recognise_specialty(text)), "")
    yield FieldName.SPECIALTY, kind
    yield FieldName.ORDER_NUMBER, rf1.get(6)
    yield FieldName.REASON, rf1.text(10)
    yield FieldName.ORDER_NUMBER, rf1.get(11)


def _provider(prd: Segment) -> Told:
    role = prd.get(1).upper()
    if role in ("RT", "CP", "SP"):
        yield FieldName.SPECIALTY, next((t for t in (prd.get(2), prd.get(4)) if recognise_specialty(t)), "")
    elif role == "RP":
        yield FieldName.REFERRING_PROVIDER, " ".join(filter(None, (prd.get(2, 5), prd.get(2, 2), prd.get(2, 1))))
        yield FieldName.REFERRING_ORGANISATION, prd.get(4, 4) or prd.get(4)
        yield FieldName.REFERRING_NPI, prd.get(7)
        for contact in prd.repetitions(5):
            yield FieldName.REFERRING_CONTACT, _telephone(prd, contact)


def _insurance(in1: Segment) -> Told:
    yield FieldName.PAYER, in1.get(4) or in1.get(3)
    yield FieldName.MEMBER_ID, in1.get(36) or in1.get(49)
    yield FieldName.AUTHORISATION, in1.get(14)


def _authorisation(aut: Segment) -> Told:
    yield FieldName.AUTHORISATION, aut.get(6)
    yield FieldName.PAYER, aut.get(3)


def _diagnosis(dg1: Segment) -> Told:
    yield FieldName.DIAGNOSIS, dg1.get(3) or dg1.get(3, 2) or dg1.get(4)


def _procedure(pr1: Segment) -> Told:
    yield FieldName.SERVICE, pr1.text(3) or pr1.get(4)


def _request(obr: Segment) -> Told:
    yield FieldName.SERVICE, obr.text(4)
    yield FieldName.REASON, obr.text(31)
    yield FieldName.SPECIALTY, obr.get(24) if recognise_specialty(obr.get(24)) else ""


def _note(nte: Segment) -> Told:
    yield FieldName.NOTE, nte.text(3)


def _observation(obx: Segment) -> Told:
    if obx.get(2) in ("TX", "FT", "ST"):
        yield FieldName.NOTE, obx.text(5)


def _embedded(obx: Segment) -> Iterator[FoundFile]:
    if obx.get(2) != "ED":
        return
    for components in obx.repetitions(5):
        try:
            data = base64.b64decode(components[-1], validate=True)
        except (binascii.Error, ValueError):
            continue
        if data:
            told = "/".join(filter(None, components[1:3])).lower()
            yield FoundFile(content_type=kind_of_bytes(data, told), role=FileRole.ATTACHMENT, data=data, size=len(data))


_READERS = {
    "PID": _patient,
    "RF1": _referral,
    "PRD": _provider,
    "IN1": _insurance,
    "AUT": _authorisation,
    "DG1": _diagnosis,
    "PR1": _procedure,
    "OBR": _request,
    "NTE": _note,
    "OBX": _observation,
}
