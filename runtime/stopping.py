"""Being asked to stop: a flag that a signal handler may set at any moment."""

import os
import select
import signal


class StopRequest:
    """Tells whether the process was asked to stop.

    It takes no lock: a handler runs between two steps of the main thread, and would wait for ever for a lock that this
    very thread holds, as `threading.Event` does while it begins to wait.
    """

    def __init__(self) -> None:
        self._is_set = False
        #: readable for ever once something was written
        self._readable, self._writable = os.pipe()

    def is_set(self) -> bool:
        """Tell whether somebody asked."""
        return self._is_set

    def set(self) -> None:
        """Ask; once is enough."""
        if not self._is_set:
            self._is_set = True
            os.write(self._writable, b".")

    def wait(self, timeout_s: float) -> bool:
        """Wait until somebody asks or the time is over; tell whether somebody asked."""
        select.select((self._readable,), (), (), timeout_s)
        return self._is_set


def stop_on_signals() -> StopRequest:
    """Return a request that SIGTERM and SIGINT make."""
    stop = StopRequest()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
