from datetime import date

import pytest

from schemas.ids import referral_id_of
from services.board.rules.queries import NamePair, Reading, name_key, name_pairs, number_key, phone_of, readings_of

REFERRAL = referral_id_of("7d0b1f57-0c2f-5f0c-9b0a-111111111111")


@pytest.mark.parametrize(
    "typed", [REFERRAL, REFERRAL.lower(), REFERRAL.replace("-", ""), f"  {REFERRAL.replace('-', ' ')} "]
)
def test_a_referral_id_is_understood_however_it_is_typed(typed: str) -> None:
    assert readings_of(typed)[0] == Reading(referral_id=REFERRAL)


def test_a_mistyped_referral_id_is_no_referral_id() -> None:
    last = "0" if REFERRAL[-1] != "0" else "1"

    readings = readings_of(REFERRAL[:-1] + last)

    assert all(reading.referral_id is None for reading in readings)


@pytest.mark.parametrize(
    "typed",
    [
        "1984-03-09",
        "03/09/1984",
        "3/9/1984",
        "3-9-1984",
        "19840309",
        "Mar 9, 1984",
        "9 March 1984",
        "dob 03/09/1984",
        "DOB: 1984-03-09",
    ],
)
def test_a_birth_date_is_understood_in_the_usual_writings(typed: str) -> None:
    assert Reading(birth_date=date(1984, 3, 9)) in readings_of(typed)


def test_a_day_that_cannot_be_a_month_is_a_day() -> None:
    assert Reading(birth_date=date(1984, 3, 19)) in readings_of("19/03/1984")


@pytest.mark.parametrize("typed", ["03/09/84", "1984-13-33", "02/30/1984"])
def test_a_birth_date_is_never_guessed(typed: str) -> None:
    assert all(reading.birth_date is None for reading in readings_of(typed))


@pytest.mark.parametrize(
    "typed",
    ["6175550142", "617-555-0142", "(617) 555-0142", "+1 617 555 0142", "1.617.555.0142", "phone: 617 555 0142"],
)
def test_a_phone_is_understood_in_any_format(typed: str) -> None:
    assert Reading(phone="+16175550142") in readings_of(typed)


def test_a_number_with_seven_digits_is_no_phone() -> None:
    assert phone_of("555-0142") is None


@pytest.mark.parametrize("typed", ["MRN 00-4711", "mrn: 004711", "004711", "00-4711"])
def test_a_record_number_is_understood_with_or_without_its_label(typed: str) -> None:
    assert Reading(mrn="004711") in readings_of(typed)


def test_a_word_without_a_digit_is_a_record_number_only_when_labelled() -> None:
    assert readings_of("Garcia") == (Reading(name_words=("Garcia",)),)
    assert Reading(mrn="GARCIA") in readings_of("MRN Garcia")


@pytest.mark.parametrize("typed", ["Maria Garcia", "GARCIA, MARIA", "garcia maria"])
def test_a_name_is_found_in_any_order_and_case(typed: str) -> None:
    (reading,) = readings_of(typed)

    assert NamePair("garcia", "maria") in name_pairs(reading.name_words)


def test_a_name_of_several_words_is_split_everywhere() -> None:
    pairs = name_pairs(("Ana", "de", "la", "Cruz"))

    assert NamePair("de la cruz", "ana") in pairs
    assert NamePair("cruz", "ana") in pairs


def test_a_name_with_a_birth_date_and_phone_must_match_in_all() -> None:
    (reading,) = readings_of("Garcia, Maria 03/09/1984 617-555-0142")

    assert reading == Reading(name_words=("Garcia", "Maria"), birth_date=date(1984, 3, 9), phone="+16175550142")


@pytest.mark.parametrize("typed", ["", "   ", "?", "%", "x", "<script>", "'; drop table", "12"])
def test_what_cannot_be_looked_for_has_no_reading(typed: str) -> None:
    assert readings_of(typed) == ()


def test_a_name_that_looks_like_a_referral_id_is_still_a_name() -> None:
    # twelve letters are a valid id for one name in thirty
    name = next(n for n in (f"Teres{a}{b}arcia" for a in "ABCDEFGH" for b in "GMRT") if len(readings_of(n)) > 1)

    assert readings_of(name)[1].name_words == (name,)


def test_names_and_numbers_are_compared_without_their_writing() -> None:
    assert name_key("  José O’Brien-SMITH Jr. ") == "jose obrien smith jr"
    assert number_key("a-12 3") == "A123"
