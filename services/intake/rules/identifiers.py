"""Read the small identifiers of a referral: NPI, diagnosis codes, record numbers, sex."""

import re
from functools import lru_cache

from schemas.vocabulary import Sex

MOST_DIAGNOSES = 20
#: the same providers refer again and again
_CACHED = 1 << 14
_NPI = re.compile(r"(?<!\d)([12]\d{9})(?!\d)")
_ICD10 = re.compile(r"\b([A-TV-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?)\b")
_SEXES = {
    "f": Sex.FEMALE,
    "female": Sex.FEMALE,
    "woman": Sex.FEMALE,
    "girl": Sex.FEMALE,
    "m": Sex.MALE,
    "male": Sex.MALE,
    "man": Sex.MALE,
    "boy": Sex.MALE,
    "o": Sex.OTHER,
    "other": Sex.OTHER,
    "x": Sex.OTHER,
    "nonbinary": Sex.OTHER,
    "non-binary": Sex.OTHER,
}
#: an NPI is checked as a card number of the issuer 80840, which adds this to the sum
_NPI_ISSUER_SUM = 24


@lru_cache(_CACHED)
def parse_npi(text: str) -> str | None:
    """Return the national provider identifier in a text when its check digit is right."""
    return next((npi for npi in _NPI.findall(text[:200]) if _is_npi(npi)), None)


def parse_diagnosis_codes(text: str) -> tuple[str, ...]:
    """Return the ICD-10 codes in a text, each once, in order."""
    return tuple(dict.fromkeys(_ICD10.findall(text[:2000].upper())))[:MOST_DIAGNOSES]


def parse_sex(text: str | None) -> Sex | None:
    """Return the administrative sex that a text names."""
    return _SEXES.get(text.strip().lower()) if text else None


def _is_npi(npi: str) -> bool:
    total = _NPI_ISSUER_SUM
    for place, digit in enumerate(map(int, npi)):
        doubled = 2 * digit if place % 2 == 0 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0
