"""Dates of birth are read or missing, never guessed (R15)."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.rules.dates import OLDEST_YEARS, parse_birth_date

RECEIVED_ON = date(2026, 1, 5)
BIRTH_DATES = st.dates(min_value=date(RECEIVED_ON.year - OLDEST_YEARS, 1, 1), max_value=RECEIVED_ON)


@pytest.mark.parametrize(
    "written",
    [
        "1970-01-05", "01/05/1970", "1/5/1970", "01-05-1970", "19700105", "19700105083000", "1970-01-05T00:00:00Z",
        "Jan 5, 1970", "January 5th 1970", "5 Jan 1970", "05-JAN-1970", "01/05/1970 (56 y)", "1/5/1970, 56 years old",
        " 01/05/1970 ", "1970/01/05", "01/05/1970 Age: 56",
    ],
)  # fmt: skip
def test_a_sure_date_is_read(written: str) -> None:
    assert parse_birth_date(written, received_on=RECEIVED_ON) == date(1970, 1, 5)


@pytest.mark.parametrize(
    "written",
    [
        "13/05/1970", "29/06/1976", "02/30/1970", "01/05/70", "1/5/38", "1970", "1970-01", "05.01.1970", "0000-00-00",
        "2026-01-06", "01/01/1900", "1905-12-31", "unknown", "", "01/05/1970 or 01/06/1970", "0/0/0", "99999999",
    ],
)  # fmt: skip
def test_anything_else_is_missing(written: str) -> None:
    assert parse_birth_date(written, received_on=RECEIVED_ON) is None


@given(BIRTH_DATES)
def test_every_usual_writing_of_a_date_gives_that_date(born: date) -> None:
    for pattern in ("%Y-%m-%d", "%m/%d/%Y", "%Y%m%d", "%B %d, %Y"):
        assert parse_birth_date(born.strftime(pattern), received_on=RECEIVED_ON) == born


@given(BIRTH_DATES)
def test_a_year_of_two_digits_is_never_completed(born: date) -> None:
    assert parse_birth_date(born.strftime("%m/%d/%y"), received_on=RECEIVED_ON) is None


@given(st.text(max_size=80) | st.from_regex(r"\d{1,4}[-/. ]\d{1,4}[-/. ]\d{1,4}", fullmatch=True))
def test_what_is_read_lies_in_a_human_life(written: str) -> None:
    born = parse_birth_date(written, received_on=RECEIVED_ON)

    assert born is None or RECEIVED_ON - timedelta(days=366 * (OLDEST_YEARS + 1)) < born <= RECEIVED_ON
