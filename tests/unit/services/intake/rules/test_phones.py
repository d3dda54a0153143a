"""Phone numbers in any writing become E.164 or are missing (I5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.rules.phones import normalise_phone

PARTS = st.tuples(st.integers(200, 999), st.integers(200, 999), st.integers(0, 9999)).filter(
    lambda parts: parts[0] % 100 != 11 and parts[1] % 100 != 11
)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("(617) 555-0123", "+16175550123"),
        ("617.555.0123", "+16175550123"),
        ("+1 617 555 0123", "+16175550123"),
        ("1-617-555-0123", "+16175550123"),
        ("617-555-0123 x45", "+16175550123"),
        ("call after 5pm 617-555-0123", "+16175550123"),
        ("617-555-0123 or 617-555-0199", "+16175550123"),
        ("tel:+16175550123", "+16175550123"),
        ("+44 20 7946 0958", "+442079460958"),
        ("011 44 20 7946 0958", "+442079460958"),
        ("555-0123", None),
        ("5550123", None),
        ("911", None),
        ("617-911-0123", None),
        ("117-555-0123", None),
        ("000-000-0000", None),
        ("12345678901234567890", None),
        ("+44 12", None),
        ("none", None),
        ("", None),
    ],
)
def test_a_written_number_is_read(written: str, number: str | None) -> None:
    assert normalise_phone(written) == number


@given(PARTS, st.sampled_from(["{:03d}{:03d}{:04d}", "({:03d}) {:03d}-{:04d}", "+1{:03d}{:03d}{:04d}", "{}.{}.{:04d}"]))
def test_every_writing_of_a_number_gives_the_same(parts: tuple[int, int, int], pattern: str) -> None:
    number = "+1{:03d}{:03d}{:04d}".format(*parts)

    assert normalise_phone(pattern.format(*parts)) == number
    assert normalise_phone(number) == number


@given(st.text(max_size=300))
def test_no_text_is_refused(written: str) -> None:
    number = normalise_phone(written)

    assert number is None or number.startswith("+")
