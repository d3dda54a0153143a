"""A clock that jumps: all services read one file, and somebody moves it by ten minutes and back."""

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType

from tests.faults.campaign import Campaign
from tests.faults.evidence import Outage

WRITE_EVERY_S = 0.05
SHIFT = timedelta(minutes=10)
HELD_FOR_S = 6.0


class MovedClock:
    """The machine's time and a shift, written to a file again and again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)
        self.shift = timedelta()

    @property
    def setting(self) -> str:
        """The value of CLOCK."""
        return f"file:{self._path}"

    def __enter__(self) -> "MovedClock":
        self._write()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._stop.wait(WRITE_EVERY_S):
            self._write()

    def _write(self) -> None:
        draft = self._path.with_suffix(".draft")
        draft.write_text((datetime.now(UTC) + self.shift).isoformat())
        draft.replace(self._path)


def shift_clock(campaign: Campaign, clock: MovedClock, shift: timedelta) -> None:
    """Move the clock of all services for a while, and back."""
    began_at = datetime.now(UTC)
    clock.shift = shift
    time.sleep(HELD_FOR_S)
    clock.shift = timedelta()
    recovery = campaign.recover(f"clock shifted by {shift}", began_at)
    # what a jump made due was due up to so long before, and what it made wait waits so long
    end = datetime.fromtimestamp(recovery.ended_at.timestamp() + (recovery.seconds or 0), UTC)
    campaign.outages.append(Outage(began_at - 2 * SHIFT, end + 2 * SHIFT))
