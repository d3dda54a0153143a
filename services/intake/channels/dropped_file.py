"""Files in the watched folder: how they look, and what is in them, read with care."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from services.intake.channels.refusal import Refusal, RefusalCode

READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Stamp:
    """What changes when a file is written to."""

    size: int
    changed_ns: int
    file_number: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file that was read."""

    content: bytes
    stamp: Stamp


def stamp_of(path: Path) -> Stamp | None:
    """Return how a file looks now; None when it is gone, or no regular file."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return _stamp(found) if stat.S_ISREG(found.st_mode) else None


def read_file(path: Path, *, largest: int) -> Dropped:
    """Return a regular file's content; a link is not followed.

    Raises:
        Refusal: it is larger than is taken.
        OSError: it can not be read.
    """
    with os.fdopen(os.open(path, READ_FLAGS), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError
        content = file.read(largest + 1)
    if len(content) > largest:
        raise Refusal(RefusalCode.TOO_LARGE)
    return Dropped(content, _stamp(found))


def _stamp(found: os.stat_result) -> Stamp:
    return Stamp(found.st_size, found.st_mtime_ns, found.st_ino)
