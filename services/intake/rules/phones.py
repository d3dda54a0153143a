"""Read phone numbers into E.164: the North American plan by rule, other countries by their metadata."""

import re
from functools import lru_cache

import phonenumbers

LONGEST_PHONE_TEXT = 200
_PLAIN = re.compile(r"(?:\+?1[-. ]?)?\(?([2-9]\d{2})\)?[-. ]?([2-9]\d{2})[-. ]?(\d{4})")
_IN_TEXT = re.compile(
    r"(?<![\d+])(?:\+?1[\s.-]{0,2})?\(?([2-9]\d{2})\)?[\s./-]{0,3}([2-9]\d{2})[\s.-]{0,3}(\d{4})(?!\d)"
)
_ABROAD = re.compile(r"(?:\+|\b00|\b011)\s?[2-9][\d\s().-]{6,20}")


def normalise_phone(text: str) -> str | None:
    """Return the first full phone number of a text as E.164, or None; seven digits are no full number."""
    found = _PLAIN.fullmatch(text) or _IN_TEXT.search(text[:LONGEST_PHONE_TEXT])
    if found is not None:
        area, exchange, line = found.groups()
        # N11 codes are services such as 911, never a subscriber's
        return None if area.endswith("11") or exchange.endswith("11") else f"+1{area}{exchange}{line}"
    abroad = _ABROAD.search(text[:LONGEST_PHONE_TEXT])
    return _abroad(abroad[0]) if abroad is not None else None


@lru_cache(4096)
def _abroad(text: str) -> str | None:
    digits = re.sub(r"\D", "", text)
    national = digits.removeprefix("011").removeprefix("00")
    try:
        number = phonenumbers.parse(f"+{national}", None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
