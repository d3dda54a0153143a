"""Wait for a condition with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
#: What a busy machine may need; that something takes this long is no finding, that it never comes is.
PATIENCE_S = 180.0


def eventually(look: Callable[[], T | None], *, within_s: float = PATIENCE_S, what: str = "condition") -> T:
    """Return what `look` finds as soon as it finds something: neither None nor False nor empty."""
    deadline = time.monotonic() + within_s
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {within_s:.0f} s in vain for {what}"
        time.sleep(0.05)
