"""Look again and again, with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

FIRST_PAUSE_S = 0.01
LONGEST_PAUSE_S = 0.1
A = TypeVar("A")


def until_some(look: Callable[[], A | None], *, wait_s: float) -> A | None:
    """Return what is found as soon as something is, or nothing after the time is over; looks at least once."""
    deadline = time.monotonic() + wait_s
    pause = FIRST_PAUSE_S
    while (found := look()) is None and time.monotonic() + pause <= deadline:
        time.sleep(pause)
        pause = min(LONGEST_PAUSE_S, pause * 1.5)
    return found
