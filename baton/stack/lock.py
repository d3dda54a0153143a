"""One home, one stack: the lock a supervisor holds while it lives."""

import fcntl
import os
import struct
from pathlib import Path
from types import TracebackType

#: `struct flock` of Linux on 64-bit machines: type, whence, start, length, process
FLOCK = "hhqqi"
#: The kernel forgets a lock when its process closes any handle of the file, so a holder never opens it again.
_held: set[Path] = set()


class StackAlreadyRunning(Exception):
    """A stack already runs in this home."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"a stack already runs in {path.parent} (process {holder(path)}); stop it with `baton down`")


class HomeLock:
    """Hold the home for as long as this process lives; the kernel releases it, whatever happens."""

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        self._file: int | None = None

    def __enter__(self) -> "HomeLock":
        if self._path in _held:
            raise StackAlreadyRunning(self._path)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            os.close(file)
            raise StackAlreadyRunning(self._path) from None
        self._file = file
        _held.add(self._path)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            _held.discard(self._path)
            os.close(self._file)
            self._file = None


def holder(path: Path) -> int | None:
    """Name the process that holds the lock now, or nobody; the kernel answers, and nothing is taken for it."""
    if path.resolve() in _held:
        return os.getpid()
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        answer = fcntl.fcntl(file, fcntl.F_GETLK, struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
    finally:
        os.close(file)
    kind, _, _, _, pid = struct.unpack(FLOCK, answer)
    return None if kind == fcntl.F_UNLCK else pid
