"""Know whether messages can be kept safely now, so that senders are told at once rather than after a timeout."""

import threading
from collections.abc import Callable

import structlog

from runtime.failpoints import EXIT_INTERNAL
from runtime.health import Readiness
from runtime.process import end_at_once

LOOK_EVERY_S = 1.0
#: accepting failed this often in a row although all looks well: a client of this process is beyond repair
MOST_TROUBLES = 10

log = structlog.get_logger()


class Watch:
    """Looks after the parts that accepting needs; the doors are open while all of them answer."""

    def __init__(
        self,
        *,
        prepare: Callable[[], None],
        look: Callable[[], None],
        readiness: Readiness,
        end: Callable[[int], object] = end_at_once,
    ) -> None:
        self._prepare = prepare
        self._look = look
        self._readiness = readiness
        self._end = end
        self._is_prepared = False
        self._troubles = 0
        self._now = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="watch", daemon=True)

    @property
    def is_open(self) -> bool:
        """Whether a message could be kept when last looked."""
        return self._readiness.is_ready()

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End looking."""
        self._over.set()
        self._now.set()

    def suspect(self) -> None:
        """Close the doors until a look says that all is well."""
        self._readiness.set_unready()
        self._troubles += 1
        self._now.set()

    def look(self) -> None:
        """Look once, and open or close the doors."""
        try:
            if not self._is_prepared:
                self._prepare()
                self._is_prepared = True
            self._look()
        except Exception as error:  # noqa: BLE001 - whatever it is, the doors stay closed and it is tried again
            if self.is_open or not self._is_prepared:
                log.warning("doors_closed", error=error)
            self._readiness.set_unready()
            return
        if self._troubles >= MOST_TROUBLES:
            log.error("process_ends", reason="accepting keeps failing")
            self._end(EXIT_INTERNAL)
        self._readiness.set_ready()

    def accepted(self) -> None:
        """Note that accepting works."""
        self._troubles = 0

    def _work(self) -> None:
        while not self._over.is_set():
            self.look()
            self._now.wait(LOOK_EVERY_S)
            self._now.clear()
