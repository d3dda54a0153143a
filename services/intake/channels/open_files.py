"""Tell whether somebody still writes to a file, as far as the system knows."""

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from errno import EAGAIN
from pathlib import Path

from services.intake.channels.dropped_file import READ_FLAGS

_PROCESSES = Path("/proc")


def is_written_to(path: Path) -> bool:
    """Tell whether a process has a file open to write; False also where the system does not say."""
    try:
        handle = os.open(path, READ_FLAGS)
    except OSError:
        return False
    try:
        return _is_open_to_write(handle)
    finally:
        os.close(handle)


def _is_open_to_write(handle: int) -> bool:
    # the kernel grants this lease on a file that nobody has open to write, whoever it might be, in whichever container;
    # it asks for the ownership of the file or CAP_LEASE, and not every file system knows leases
    try:
        # who opens the file in this very moment waits for it; the signal that tells of that must not end the process
        fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == EAGAIN or _is_open_elsewhere(os.fstat(handle))
    except AttributeError:  # a system without leases
        return False
    return False


def _is_open_elsewhere(wanted: os.stat_result) -> bool:
    """Look through the processes that this one may look into: those of its own user."""
    return any(_is_same(handle, wanted) and _may_write(handle) for handle in _handles())


def _handles() -> Iterator[Path]:
    for process in _PROCESSES.glob("[0-9]*"):
        with suppress(OSError):
            yield from (process / "fd").iterdir()


def _is_same(handle: Path, wanted: os.stat_result) -> bool:
    try:
        found = handle.stat()
    except OSError:
        return False
    return (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino)


def _may_write(handle: Path) -> bool:
    with suppress(OSError):
        for line in (handle.parents[1] / "fdinfo" / handle.name).read_text("ascii", "replace").splitlines():
            if line.startswith("flags:"):
                return int(line.split()[1], 8) & os.O_ACCMODE != os.O_RDONLY
    return False
