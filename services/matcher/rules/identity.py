"""What matching knows of a person: folded, with placeholders removed, ready to be compared."""

from datetime import date
from typing import NamedTuple

from schemas.vocabulary import Sex
from services.matcher.rules import placeholders
from services.matcher.rules.names import fold

#: between the issuer and the number of a record number, as in `external_ids`
ISSUER_MARK = "|"


class Demographics(NamedTuple):
    """A person as somebody stated it."""

    given_name: str | None = None
    middle_name: str | None = None
    last_name: str | None = None
    birth_date: date | None = None
    sex: Sex | None = None
    phone: str | None = None
    mrn: str | None = None
    #: the source system that knows the person by this record number
    mrn_issuer: str | None = None
    external_ids: tuple[str, ...] = ()


class Identity(NamedTuple):
    """A person as matching compares it; empty or None where nothing usable was stated."""

    given: str
    middle: str
    last: str
    birth_date: date | None
    sex: Sex | None
    phone: str | None
    #: issuer|number, placeholders removed
    record_numbers: tuple[str, ...]

    @property
    def is_usable(self) -> bool:
        """Tell whether a patient could be recognised by it: a last name and a birth date or phone."""
        return bool(self.last) and (self.birth_date is not None or self.phone is not None)


def identity_of(person: Demographics) -> Identity:
    """Return what of a person's demographics can be compared."""
    given = fold(person.given_name) if person.given_name else ""
    last = fold(person.last_name) if person.last_name else ""
    if placeholders.is_whole_name_placeholder(given, last):
        given = last = ""
    return Identity(
        given="" if not given or placeholders.is_given_name_placeholder(given) else given,
        middle=fold(person.middle_name) if person.middle_name else "",
        last="" if not last or placeholders.is_last_name_placeholder(last) else last,
        birth_date=_usable_birth_date(person.birth_date),
        sex=person.sex,
        phone=None if not person.phone or placeholders.is_phone_placeholder(person.phone) else person.phone,
        record_numbers=_record_numbers(person),
    )


def _usable_birth_date(born: date | None) -> date | None:
    return None if born is None or placeholders.is_birth_date_placeholder(born) else born


def _record_numbers(person: Demographics) -> tuple[str, ...]:
    if not person.mrn and not person.external_ids:
        return ()
    stated = list(person.external_ids)
    if person.mrn:
        stated.append(f"{person.mrn_issuer or ''}{ISSUER_MARK}{person.mrn}")
    return tuple(
        sorted(
            f"{issuer.casefold()}{ISSUER_MARK}{number.casefold()}"
            for issuer, _, number in (value.rpartition(ISSUER_MARK) for value in stated)
            if number and not placeholders.is_record_number_placeholder(number)
        )
    )
