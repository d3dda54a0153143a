from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.sla.rules.windows import WEEK, hopping_starts, window_start
from tests.support.sla import MONDAY

INSTANTS = st.timedeltas(timedelta(days=-9_000), timedelta(days=9_000)).map(lambda since: MONDAY + since)
LENGTHS = st.integers(1, 100_000).map(lambda tenths: timedelta(milliseconds=100 * tenths))


@given(INSTANTS, LENGTHS)
def test_every_instant_lies_in_exactly_its_window(at: datetime, length: timedelta) -> None:
    start = window_start(at, length)

    assert start <= at < start + length
    assert window_start(start, length) == start
    assert window_start(start + length - timedelta(microseconds=1), length) == start


@given(INSTANTS, LENGTHS, st.integers(1, 8))
def test_hopping_windows_are_all_those_that_hold_the_instant(at: datetime, hop: timedelta, hops: int) -> None:
    length = hop * hops

    starts = hopping_starts(at, length, hop)

    assert len(starts) == hops
    assert all(start <= at < start + length for start in starts)
    assert list(starts) == sorted(set(starts))
    assert starts[0] + length - hop <= at


def test_a_week_begins_on_monday() -> None:
    midnight = MONDAY.replace(hour=0)

    assert window_start(MONDAY, WEEK) == midnight
    assert window_start(midnight - timedelta(microseconds=1), WEEK) == midnight - WEEK
