"""End a process that has work and does none, so that the supervisor starts it again."""

import os
import threading
import time
from collections.abc import Callable

import structlog

from runtime.exactly_once import Progress
from runtime.failpoints import EXIT_INTERNAL

log = structlog.get_logger()
LOOK_EVERY_S = 2.0


class Watchdog:
    """Judge progress: a batch in hand for too long, or lag without a commit for too long."""

    def __init__(self, progress: Progress, *, limit_s: float, lag: Callable[[], int]) -> None:
        self._progress = progress
        self._limit_s = limit_s
        self._lag = lag

    def verdict(self, now: float) -> str | None:
        """Return why the process should end, or None; `now` is monotonic seconds."""
        busy_since = self._progress.busy_since
        if busy_since is not None:
            return "batch_hangs" if now - busy_since > self._limit_s else None
        if now - self._progress.committed_at <= self._limit_s:
            return None
        return "lag_without_commit" if self._lag() > 0 else None


def start_watchdog(watchdog: Watchdog) -> None:
    """Watch from a daemon thread; exit the process when the verdict stands twice in a row."""

    def watch() -> None:
        complaints = 0
        while True:
            threading.Event().wait(LOOK_EVERY_S)
            reason = watchdog.verdict(time.monotonic())
            complaints = complaints + 1 if reason else 0
            if complaints >= 2:
                log.error("watchdog_exit", reason=reason)
                os._exit(EXIT_INTERNAL)

    threading.Thread(target=watch, name="watchdog", daemon=True).start()
