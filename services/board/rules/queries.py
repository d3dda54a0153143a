"""What a person meant by the words typed into the search: an id, a name, a date of birth, a phone, an MRN."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from schemas.ids import parse_referral_id

LONGEST_QUERY = 200
#: a last name of more words than this is looked for by its first and last words only
MOST_NAME_WORDS = 6
SHORTEST_PREFIX = 2
EARLIEST_BIRTH_YEAR = 1870
LATEST_BIRTH_YEAR = 2200

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
_DATE_FORMS = (
    re.compile(r"\b(?P<y>\d{4})[-/.](?P<a>\d{1,2})[-/.](?P<b>\d{1,2})\b"),
    re.compile(r"\b(?P<a>\d{1,2})[-/.](?P<b>\d{1,2})[-/.](?P<y>\d{4})\b"),
    re.compile(r"\b(?P<y>\d{4})(?P<a>\d{2})(?P<b>\d{2})\b"),
    re.compile(r"\b(?P<m>[a-z]{3})[a-z]*\.?\s+(?P<b>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y>\d{4})\b", re.IGNORECASE),
    re.compile(r"\b(?P<b>\d{1,2})(?:st|nd|rd|th)?\.?\s+(?P<m>[a-z]{3})[a-z]*\.?,?\s+(?P<y>\d{4})\b", re.IGNORECASE),
)
_PHONE = re.compile(r"\+?\(?\d[\d\s().-]{8,}\d")
_MRN_LABEL = re.compile(r"^\s*mrn\b[\s:#]*", re.IGNORECASE)
_MRN = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{2,31}")
_DROPPED = str.maketrans("", "", "'’‘`´.")
_LABELS = re.compile(r"\b(?:dob|born|birth ?date|date of birth|phone|tel|name|patient)\b\s*:?", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d_]+(?:['’.-][^\W\d_]+)*\.?")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One way to understand a query; everything that is given must hold."""

    referral_id: str | None = None
    mrn: str | None = None
    phone: str | None = None
    birth_date: date | None = None
    name_words: tuple[str, ...] = ()


@dataclass(frozen=True)
class NamePair:
    """A last name to find exactly and what the given name must start with."""

    last_name: str
    given_prefix: str


def readings_of(text: str) -> tuple[Reading, ...]:
    """Return every way to understand a query, the most specific first; none when nothing can be looked for."""
    text = " ".join(text[:LONGEST_QUERY].split())
    referral_id = parse_referral_id(text) if text else None
    found = (
        Reading(referral_id=referral_id) if referral_id else None,
        _as_mrn(text),
        _as_patient(text),
    )
    return tuple(reading for reading in found if reading is not None)


def name_pairs(words: Sequence[str]) -> tuple[NamePair, ...]:
    """Return every split of name words into last and given name, in either order; the first word may be either."""
    words = tuple(name_key(word) for word in words[:MOST_NAME_WORDS])
    if not words:
        return ()
    pairs = [NamePair(" ".join(words), "")]
    for cut in range(1, len(words)):
        front, back = words[:cut], words[cut:]
        pairs.append(NamePair(" ".join(back), front[0]))
        pairs.append(NamePair(" ".join(front), back[0]))
    return tuple(dict.fromkeys(pairs))


def name_key(name: str) -> str:
    """Return a name as it is compared, here and in the database: small letters, no accents, single spaces."""
    plain = unicodedata.normalize("NFKD", name.translate(_DROPPED)).lower()
    return re.sub(r"[\W\d_]+", " ", re.sub(r"[\u0300-\u036f]", "", plain)).strip()


def number_key(number: str) -> str:
    """Return a record number as it is compared: capitals and digits only."""
    return re.sub(r"[^A-Za-z0-9]", "", number).upper()


def phone_of(text: str) -> str | None:
    """Return a typed phone number as E.164; ten digits are American; None when it is none."""
    digits = re.sub(r"\D", "", text)
    if text.lstrip().startswith("+"):
        return f"+{digits}" if 8 <= len(digits) <= 15 else None
    if len(digits) == 11 and digits[0] == "1":
        return f"+{digits}"
    return f"+1{digits}" if len(digits) == 10 else None


def _as_mrn(text: str) -> Reading | None:
    number = _MRN_LABEL.sub("", text)
    is_labelled = number != text
    if not _MRN.fullmatch(number) or not (is_labelled or any(letter.isdigit() for letter in number)):
        return None
    return Reading(mrn=number_key(number))


def _as_patient(text: str) -> Reading | None:
    birth_date, text = _take_birth_date(_LABELS.sub(" ", text))
    phone, text = _take_phone(text)
    words = re.split(r"[\s,;]+", text.strip(" ,;"))
    words = [word for word in words if word]
    if any(not _NAME.fullmatch(word) for word in words):
        return None
    if not words and birth_date is None and phone is None:
        return None
    if words and birth_date is None and phone is None and len("".join(words)) < SHORTEST_PREFIX:
        return None
    return Reading(phone=phone, birth_date=birth_date, name_words=tuple(words))


def _take_birth_date(text: str) -> tuple[date | None, str]:
    for form in _DATE_FORMS:
        match = form.search(text)
        found = _date_of(match.groupdict()) if match else None
        if match and found:
            return found, f"{text[: match.start()]} {text[match.end() :]}"
    return None, text


def _date_of(parts: dict[str, str | None]) -> date | None:
    year, day = int(parts["y"] or 0), int(parts["b"] or 0)
    name = parts.get("m")
    month = _MONTHS.get(name.lower(), 0) if name else int(parts["a"] or 0)
    if month > 12:
        # Written day first: no month has this number.
        month, day = day, month
    if not EARLIEST_BIRTH_YEAR <= year <= LATEST_BIRTH_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _take_phone(text: str) -> tuple[str | None, str]:
    match = _PHONE.search(text)
    phone = phone_of(match.group()) if match else None
    if match is None or phone is None:
        return None, text
    return phone, f"{text[: match.start()]} {text[match.end() :]}"
