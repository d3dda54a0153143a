"""Ids follow from their cause, and a mistyped referral id is found out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import ALPHABET, derived_id, matching_key_of, named_id, parse_referral_id, referral_id_of

submissions = st.text(min_size=1, max_size=40).map(referral_id_of)
bodies = st.text(ALPHABET, min_size=12, max_size=12)


@given(submissions)
def test_a_referral_id_is_its_own_canonical_form(referral_id: str) -> None:
    assert parse_referral_id(referral_id) == referral_id
    assert parse_referral_id(f"  {referral_id.lower().replace('-', ' ')} ") == referral_id


@given(submissions, st.integers(0, 11), st.sampled_from(ALPHABET))
def test_every_wrong_character_is_found(referral_id: str, place: int, wrong: str) -> None:
    letters = list(referral_id.replace("-", ""))
    is_same = letters[place] == wrong
    letters[place] = wrong

    assert (parse_referral_id("".join(letters)) == referral_id) is is_same
    assert is_same or parse_referral_id("".join(letters)) is None


@given(submissions, st.integers(0, 11), st.integers(0, 11))
def test_every_two_swapped_characters_are_found(referral_id: str, one: int, other: int) -> None:
    letters = list(referral_id.replace("-", ""))
    is_same = letters[one] == letters[other]
    letters[one], letters[other] = letters[other], letters[one]

    assert parse_referral_id("".join(letters)) == (referral_id if is_same else None)


@given(bodies)
def test_letters_taken_for_digits_are_understood(body: str) -> None:
    lookalike = body.replace("0", "O").replace("1", "l")

    assert parse_referral_id(lookalike) == parse_referral_id(body)


@given(st.text(max_size=30))
def test_any_text_is_an_id_or_none(text: str) -> None:
    found = parse_referral_id(text)

    assert found is None or parse_referral_id(found) == found


@pytest.mark.parametrize("text", ["", "-", "0000-0000-000", "0000-0000-00000", "ÀÀÀÀ-0000-0000"])
def test_other_shapes_are_none(text: str) -> None:
    assert parse_referral_id(text) is None


def test_ids_do_not_change_from_one_release_to_the_next() -> None:
    assert referral_id_of("8b5c5d2e") == referral_id_of("8b5c5d2e")
    assert derived_id("a", 0) != derived_id("a", 1)
    assert named_id("a", "bc") != named_id("ab", "c")
    assert (derived_id("cause", 0), referral_id_of("cause"), matching_key_of("riverside", "SMPL")) == PUBLISHED


#: what events on topics already carry; never edit
PUBLISHED = ("b2e4b981-a175-50e8-944f-f2caeb0d9127", "QF22-QWS4-DR0K", "b11349f3c1d00ac4")
