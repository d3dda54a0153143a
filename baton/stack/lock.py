"""One home, one stack: the lock a supervisor holds while it lives."""

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

ACQUIRE_FOR_S = 1.0


class StackAlreadyRunning(Exception):
    """A stack already runs in this home."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"a stack already runs in {path.parent} (process {holder(path)}); stop it with `baton down`")


class HomeLock:
    """Hold the home for as long as this process lives; the kernel releases it, whatever happens."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def __enter__(self) -> "HomeLock":
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + ACQUIRE_FOR_S
        # Whoever asks who holds the lock takes a shared one for an instant, so one refusal proves nothing.
        while not _try(file, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                os.close(file)
                raise StackAlreadyRunning(self._path)
            time.sleep(0.02)
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
        self._file = file
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def holder(path: Path) -> int | None:
    """Name the process that holds the lock now, or nobody; a left-over file names nobody."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return None if _try(file, fcntl.LOCK_SH) else _written_pid(file)
    finally:
        os.close(file)


def _written_pid(file: int) -> int | None:
    deadline = time.monotonic() + ACQUIRE_FOR_S
    while not (text := os.pread(file, 32, 0)):
        if time.monotonic() > deadline:
            return None
        time.sleep(0.01)
    return int(text)


def _try(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
