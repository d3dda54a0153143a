"""Files in the watched folder: read with care, and set aside when they are dealt with."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from services.intake.channels.identity import digest_of
from services.intake.channels.refusal import Refusal, RefusalCode

LONGEST_NAME = 150
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


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
    with os.fdopen(os.open(path, _READ), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError
        content = file.read(largest + 1)
    if len(content) > largest:
        raise Refusal(RefusalCode.TOO_LARGE)
    return Dropped(content, _stamp(found))


def set_aside(path: Path, folder: Path, stamp: Stamp, *, reason: str | None = None) -> None:
    """Move a file out of the way, with a note of the reason beside it; one that was written to meanwhile stays.

    Raises:
        OSError: it can not be moved.
    """
    if stamp_of(path) != stamp:
        return
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / _free_name(path.name, stamp)
    if reason is not None:
        target.with_name(f"{target.name}.reason.txt").write_text(f"{reason}\n", "utf-8")
    os.replace(path, target)


def _free_name(name: str, stamp: Stamp) -> str:
    # the same name may come again, with the same content or another
    mark = digest_of(name.encode("utf-8", "surrogateescape"), str(stamp).encode())[:12]
    return f"{mark}-{os.fsdecode(os.fsencode(name)[-LONGEST_NAME:])}"


def _stamp(found: os.stat_result) -> Stamp:
    return Stamp(found.st_size, found.st_mtime_ns, found.st_ino)
