"""Clocks tell UTC; a shared one is moved by its file."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runtime.clock import FixedClock, MachineClock, UnknownClock, clock_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_the_machines_clock_goes_on_in_utc() -> None:
    clock = clock_of("")

    assert isinstance(clock, MachineClock)
    assert clock.now().utcoffset() == timedelta(0)
    assert clock.now() <= clock.now()


def test_a_fixed_clock_stands_until_it_is_moved() -> None:
    clock = FixedClock(NOON)

    before = clock.now()
    clock.advance(timedelta(hours=1))

    assert (before, clock.now()) == (NOON, NOON + timedelta(hours=1))


def test_a_shared_clock_follows_its_file_in_utc(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    file.write_text("2026-11-20T07:00:00-05:00\n")
    clock = clock_of(f"file:{file}")

    before = clock.now()
    file.write_text("2026-11-20T13:00:00+00:00")

    assert (before, before.utcoffset()) == (NOON, timedelta(0))
    assert clock.now() == NOON + timedelta(hours=1)


@pytest.mark.parametrize("setting", ["file:", "noon", "file", "scale:2"])
def test_an_unknown_clock_is_refused(setting: str) -> None:
    with pytest.raises(UnknownClock):
        clock_of(setting)
