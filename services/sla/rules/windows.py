"""Which windows an instant falls into: arithmetic on the signals' own times, so that a replay gives the same."""

from datetime import UTC, datetime, timedelta

#: a Monday, so that the windows of a week begin on one
EPOCH = datetime(1970, 1, 5, tzinfo=UTC)
WEEK = timedelta(weeks=1)


def window_start(at: datetime, length: timedelta) -> datetime:
    """Return the start of the tumbling window of an instant; windows are aligned to the epoch."""
    return EPOCH + (at - EPOCH) // length * length


def hopping_starts(at: datetime, length: timedelta, hop: timedelta) -> tuple[datetime, ...]:
    """Return the starts of the hopping windows that an instant falls into, the earliest first."""
    last = window_start(at, hop)
    count = -((at - last - length) // hop)
    return tuple(last - hop * back for back in reversed(range(count)))
