"""Business time: the arithmetic that due times are made of."""

from datetime import datetime, timedelta
from typing import Protocol


class Calendar(Protocol):
    """Count the time in which a clinic works."""

    def add(self, start: datetime, business_duration: timedelta) -> datetime:
        """Return when `business_duration` of working time after `start` is over."""

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return the working time from `start` to `end`; nothing when `end` is not later."""


class AlwaysOpenCalendar:
    """A clinic that never closes."""

    def add(self, start: datetime, business_duration: timedelta) -> datetime:
        """Return the instant `business_duration` later."""
        return start + business_duration

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return the time that passed."""
        return max(end - start, timedelta())
