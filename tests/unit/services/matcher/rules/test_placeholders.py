from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matcher.rules.blocking import blocking_keys
from services.matcher.rules.comparison import compare
from services.matcher.rules.identity import Demographics, identity_of
from services.matcher.rules.scoring import score_of
from services.matcher.rules.silent_link import fitting_rule

REAL = Demographics("Anna", None, "Kowalski", date(1985, 3, 14), None, "+16175550142")
PLACEHOLDERS = [
    REAL._replace(given_name="John", last_name="DOE"),
    REAL._replace(given_name="Jane", last_name="Doe"),
    REAL._replace(given_name="Test", last_name="Patient"),
    REAL._replace(given_name="Baby Girl"),
    REAL._replace(given_name="BABY BOY"),
    REAL._replace(given_name="Unknown"),
    REAL._replace(last_name="N/A"),
]


@pytest.mark.parametrize("person", PLACEHOLDERS)
def test_placeholder_names_never_link(person: Demographics) -> None:
    identity = identity_of(person)

    assert not identity.is_usable or fitting_rule(compare(identity, identity)) is None


@pytest.mark.parametrize("born", [date(1900, 1, 1), date(1901, 1, 1)])
@pytest.mark.parametrize(
    "phone", ["+16175550000", "555-0000", "+16175550100", "+19999999999", "+10000000000", "555-5555", ""]
)
def test_placeholder_dates_and_phones_are_no_evidence(born: date, phone: str) -> None:
    identity = identity_of(REAL._replace(birth_date=born, phone=phone))

    assert not identity.is_usable
    assert fitting_rule(compare(identity, identity)) is None
    assert score_of(compare(identity, identity)) == 0
    assert blocking_keys("riverside", identity) == ()


@pytest.mark.parametrize("number", ["ssn|999-99-9999", "ssn|000-00-0000", "ssn|123-45-6789", "mrn|unknown"])
def test_placeholder_numbers_are_no_evidence(number: str) -> None:
    assert identity_of(Demographics(external_ids=(number,))).record_numbers == ()


def test_ordinary_fictional_numbers_are_evidence() -> None:
    assert identity_of(REAL).phone == "+16175550142"


@given(st.integers(0, 9), st.integers(1, 12))
def test_numbers_of_one_digit_are_placeholders(digit: int, length: int) -> None:
    person = Demographics(phone="+1" + str(digit) * 10, mrn=str(digit) * length, mrn_issuer="hl7")

    identity = identity_of(person)

    assert identity.phone is None
    assert identity.record_numbers == ()
