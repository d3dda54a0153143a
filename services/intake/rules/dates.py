"""Read dates of birth without guessing: what could be two dates, or none, is a missing item."""

import re
from datetime import date

OLDEST_YEARS = 120
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]\d{2}:\d{2}.*)?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\d{2,6}(?:\.\d+)?(?:[+-]\d{4})?)?")
_MONTH_FIRST = re.compile(r"(\d{1,2})([/-])(\d{1,2})\2(\d{4})(?: 0?0:00(?::00)?)?")
_NAMED_MONTH_FIRST = re.compile(r"([a-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})")
_NAMED_DAY_FIRST = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[ -]([a-z]{3,9})\.?,?[ -](\d{4})")
_AGE = re.compile(r"\s*(?:\(.*\)|,?\s*\bage\b.*|,?\s*\d{1,3}\s*(?:y/?o|yrs?|years?)\b.*)$", re.IGNORECASE)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def parse_birth_date(text: str, *, received_on: date) -> date | None:
    """Return the date of birth that a text surely means, or None."""
    born = parse_date(text)
    if born is None or born > received_on or received_on.year - born.year > OLDEST_YEARS:
        return None
    return born


def parse_date(text: str) -> date | None:
    """Return the date that a text surely means, or None."""
    # the ordinary ISO date needs no pattern
    if len(text) == 10 and text[4] == "-" == text[7]:
        return _iso_date(text)
    return _written_date(_AGE.sub("", " ".join(text[:60].lower().split())))


def _iso_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _written_date(text: str) -> date | None:
    if found := _ISO.fullmatch(text.upper()) or _COMPACT.fullmatch(text):
        return _date(found[1], found[2], found[3])
    if found := _MONTH_FIRST.fullmatch(text):
        # 13/05/1970 can only be meant day first, but who swaps once may have swapped 05/06/1970 as well
        return _date(found[4], found[1], found[3])
    if found := _NAMED_MONTH_FIRST.fullmatch(text):
        return _date(found[3], _month(found[1]), found[2])
    if found := _NAMED_DAY_FIRST.fullmatch(text):
        return _date(found[3], _month(found[2]), found[1])
    return None


def _month(name: str) -> str:
    return str(_MONTHS.index(name[:3]) + 1) if name[:3] in _MONTHS else "0"


def _date(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
