from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matcher.rules.agreement import Agreement
from services.matcher.rules.birth_dates import compare_birth_dates

BORN = date(1985, 3, 11)


@pytest.mark.parametrize(
    ("other", "agreement"),
    [
        (BORN, Agreement.SAME),
        (date(1985, 11, 3), Agreement.WEAK),
        (date(1985, 3, 17), Agreement.WEAK),
        (date(1986, 3, 11), Agreement.WEAK),
        (date(1955, 3, 11), Agreement.DIFFERENT),
        (date(2015, 3, 11), Agreement.DIFFERENT),
        (date(1987, 9, 24), Agreement.DIFFERENT),
        (None, Agreement.UNKNOWN),
    ],
)
def test_a_slip_of_the_pen_is_neither_the_same_nor_another_person(other: date | None, agreement: Agreement) -> None:
    assert compare_birth_dates(BORN, other).agreement is agreement


def test_swapped_digits_of_the_day_are_a_slip() -> None:
    assert compare_birth_dates(date(1985, 3, 12), date(1985, 3, 21)).agreement is Agreement.WEAK


@given(st.dates(date(1910, 1, 1), date(2026, 1, 1)), st.dates(date(1910, 1, 1), date(2026, 1, 1)))
def test_only_equal_dates_are_the_same(one: date, other: date) -> None:
    result = compare_birth_dates(one, other)

    assert (result.agreement is Agreement.SAME) == (one == other)
    assert result == compare_birth_dates(other, one)
