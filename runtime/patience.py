"""Wait in place for a part that is away, so that a short absence costs neither a restart nor what a restart reads."""

import time
from collections.abc import Callable

import structlog

from runtime.health import Readiness
from runtime.unavailable import InfrastructureUnavailable

log = structlog.get_logger()

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 2.0


class Patience:
    """Does the same again while a part is away; the process says meanwhile that it is not ready, and why."""

    def __init__(self, limit_s: float, readiness: Readiness, should_stop: Callable[[], bool]) -> None:
        self._limit_s = limit_s
        self._readiness = readiness
        self.should_stop = should_stop

    def wait_out(self, act: Callable[[], None]) -> None:
        """Do something, again and again while a part that it needs is away.

        Raises:
            InfrastructureUnavailable: the part is still away at the limit, or somebody asked to stop.
        """
        give_up_at = time.monotonic() + self._limit_s
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                act()
            except InfrastructureUnavailable as error:
                if self.should_stop() or time.monotonic() + pause_s > give_up_at:
                    raise
                self._await(error)
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            else:
                self._readiness.set_ready()
                return

    def _await(self, error: InfrastructureUnavailable) -> None:
        if self._readiness.is_ready():
            log.warning("waiting_for", part=error.part, error=error)
        self._readiness.set_unready(f"{error.part} is away")
