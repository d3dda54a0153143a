"""The only place that asks the machine for the time."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Tell the instant."""

    def now(self) -> datetime:
        """Return the instant, aware, in UTC."""


class MachineClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the machine's time."""
        return datetime.now(UTC)


@dataclass
class FixedClock:
    """A clock that stands until it is moved; for tests."""

    instant: datetime

    def now(self) -> datetime:
        """Return the instant it was set to."""
        return self.instant

    def advance(self, duration: timedelta) -> None:
        """Move the clock."""
        self.instant += duration


class FileClock:
    """A clock that several processes share: a file with an instant, moved by whoever writes the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, datetime] | None = None

    def now(self) -> datetime:
        """Return the instant in the file."""
        stamp = os.stat(self._path).st_mtime_ns
        if self._seen is None or self._seen[0] != stamp:
            self._seen = (stamp, datetime.fromisoformat(self._path.read_text().strip()).astimezone(UTC))
        return self._seen[1]


class UnknownClock(ValueError):
    """CLOCK must be empty or file:PATH."""


def clock_of(setting: str) -> Clock:
    """Return the clock a setting names: empty for the machine's, file:PATH for a shared one.

    Raises:
        UnknownClock: neither of these.
    """
    if not setting:
        return MachineClock()
    kind, _, rest = setting.partition(":")
    if kind != "file" or not rest:
        raise UnknownClock
    return FileClock(Path(rest))
