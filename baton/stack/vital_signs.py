"""Signs of life of a process that is not ready yet: the work it did and the lines it wrote."""

import time
from pathlib import Path

import psutil

#: A process that neither worked nor wrote for this long hangs. One that waits for its turn on a busy machine works.
SILENT_FOR_S = 180.0
#: A look goes through every process of the machine, so that of many questions in that time few are worth one.
LOOKS = 60


class VitalSigns:
    """Watches one process and its children; ask now and then, as only what changes between two looks is seen."""

    def __init__(self, pid: int, log: Path) -> None:
        self._pid, self._log = pid, log
        self._seen = (-1.0, -1)
        self._changed_at = time.monotonic()
        self._next_look_at = self._changed_at

    def is_silent(self, *, for_s: float = SILENT_FOR_S) -> bool:
        """Look once more, if the last look is not of now, and tell whether nothing has changed for long."""
        now = time.monotonic()
        if now < self._next_look_at:
            return False
        self._next_look_at = now + for_s / LOOKS
        signs = (self._worked_s(), self._written())
        if signs != self._seen:
            self._seen, self._changed_at = signs, now
        return now - self._changed_at >= for_s

    def _worked_s(self) -> float:
        try:
            process = psutil.Process(self._pid)
            family = (process, *process.children(recursive=True))
            return sum(sum(member.cpu_times()[:2]) for member in family)
        except psutil.Error:
            return 0.0

    def _written(self) -> int:
        try:
            return self._log.stat().st_size
        except FileNotFoundError:
            return 0
