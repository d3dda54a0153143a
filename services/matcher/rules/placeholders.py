"""Values that people and systems write when they know nothing; they never count as agreement (R19)."""

from datetime import date


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WHOLE_NAMES = frozenset(
    {
        ("john", "doe"),
        ("jane", "doe"),
        ("jon", "doe"),
        ("johnny", "doe"),
        ("janie", "doe"),
        ("baby", "doe"),
        ("joe", "bloggs"),
        ("test", "patient"),
        ("patient", "test"),
        ("test", "test"),
    }
)
_NAMES = _words(
    """unknown unk none null na nil test tester testing patient noname unnamed nolastname nofirstname
    anonymous xxx xx zzz zztest pending tbd same"""
)
_GIVEN_NAMES = _words(
    """baby babygirl babyboy girl boy newborn infant twin twina twinb bb bg female male mr mrs ms
    babya babyb babyboya babyboyb babygirla babygirlb"""
)
_BIRTH_DATES = frozenset(
    {
        date(1, 1, 1),
        date(1800, 1, 1),
        date(1850, 1, 1),
        date(1899, 12, 30),
        date(1899, 12, 31),
        date(1900, 1, 1),
        date(1901, 1, 1),
        date(9999, 12, 31),
    }
)
_LOCAL_NUMBERS = frozenset({"5550000", "5550100", "5551212", "1234567", "0000000"})
_RECORD_NUMBERS = _words(
    "123456789 987654321 12345678 1234567 123456 12345 1234 123 unknown unk none na test pending tbd nomrn"
)


def is_whole_name_placeholder(given: str, last: str) -> bool:
    """Tell whether a folded first and last name together stand for nobody."""
    return (given, last) in _WHOLE_NAMES


def is_given_name_placeholder(given: str) -> bool:
    """Tell whether a folded first name says nothing, as that of a newborn not yet named."""
    compact = given.replace(" ", "")
    return compact in _NAMES or compact in _GIVEN_NAMES


def is_last_name_placeholder(last: str) -> bool:
    """Tell whether a folded last name says nothing."""
    return last.replace(" ", "") in _NAMES


def is_birth_date_placeholder(born: date) -> bool:
    """Tell whether a date of birth is one that systems fill in."""
    return born in _BIRTH_DATES


def is_phone_placeholder(phone: str) -> bool:
    """Tell whether a phone number is made up."""
    national = phone[-10:] if phone[-10:].isdigit() else "".join(filter(str.isdigit, phone))[-10:]
    local = national[-7:]
    # ten equal digits end in seven equal ones
    return len(local) < 7 or len(set(local)) == 1 or local in _LOCAL_NUMBERS


def is_record_number_placeholder(number: str) -> bool:
    """Tell whether a record or identity number is made up, as 999-99-9999."""
    compact = "".join(letter for letter in number.casefold() if letter.isalnum())
    return len(set(compact)) <= 1 or compact in _RECORD_NUMBERS
