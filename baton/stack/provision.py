"""What `make setup` does before and beside the installation of the packages; standard library only.

`check` says what will be needed and stops where it is not there; `fetch` gets Java, Maven and the Java archives.
"""

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from baton.stack.downloads import downloads_in, fetch
from baton.stack.paths import REPOSITORY, cache_from
from baton.stack.process import CommandFailed
from baton.stack.toolchain import ToolMissing, ensure_toolchain, ensure_venv

#: as measured on Linux x86_64; what is fetched over the network, and what it is on the disk
PACKAGES_FETCHED_MB, PACKAGES_MB = 130, 570
ARCHIVES_MB = 160
MAVENS_COPY_MB = 170
MEGABYTE = 1_000_000
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(?!.*sys_platform == ).*$", re.MULTILINE)


@dataclass(frozen=True)
class Room:
    """How much will be written below a folder."""

    folder: Path
    megabytes: int


class NoRoom(Exception):
    """The disk is too full."""


def main(words: Sequence[str]) -> None:
    """Do what the word says."""
    if list(words) == ["check"]:
        check()
    else:
        get()


def check() -> None:
    """Say what comes, and end with a readable line where that cannot be."""
    try:
        ensure_venv(_say)
        needed = tuple(room_needed(REPOSITORY / ".venv", Path.home(), dict(os.environ)))
        for line in check_room(needed):
            _say(line)
    except (ToolMissing, NoRoom) as refusal:
        sys.exit(str(refusal))
    names = {name for file in sorted((REPOSITORY / "requirements").glob("*.txt")) for name in pinned(file.read_text())}
    _say(f"installing {len(names)} Python packages (about {PACKAGES_FETCHED_MB} MB)")


def get() -> None:
    """Fetch what is missing; what cannot be had is said in a line and stops nothing.

    A stack whose parts are all elsewhere needs none of it, and `baton up` says it again otherwise.
    """
    try:
        tools = ensure_toolchain(_say)
        downloads = downloads_in(cache_from(os.environ))
        if not downloads.is_complete():
            _say(f"fetching the broker and the registry (about {ARCHIVES_MB} MB)")
        with TemporaryDirectory() as folder:
            log = Path(folder) / "maven.log"
            asyncio.run(fetch(downloads, maven=tools.maven, log=log, environment=dict(os.environ)))
    except (ToolMissing, CommandFailed) as failure:
        _say(str(failure))


def room_needed(packages: Path, user: Path, environment: dict[str, str]) -> Iterator[Room]:
    """Yield what is not there yet; a new set of packages replaces the old one."""
    if not packages.exists():
        yield Room(packages, PACKAGES_MB)
    cache = cache_from(environment)
    if not downloads_in(cache).is_complete():
        yield Room(cache, ARCHIVES_MB)
        yield Room(user / ".m2", MAVENS_COPY_MB)


def check_room(needed: Sequence[Room]) -> Iterator[str]:
    """Yield a line that says how much will be written and where.

    Raises:
        NoRoom: a disk has not that much left.
    """
    if needed:
        where = ", ".join(f"{room.megabytes} MB in {room.folder}" for room in needed)
        yield f"needs about {sum(room.megabytes for room in needed)} MB of disk: {where}"
    wanted: dict[int, int] = {}
    for room in needed:
        place = next(folder for folder in (room.folder, *room.folder.parents) if folder.exists())
        disk = place.stat().st_dev
        wanted[disk] = wanted.get(disk, 0) + room.megabytes
        free = shutil.disk_usage(place).free // MEGABYTE
        if free < wanted[disk]:
            raise NoRoom(f"{free} MB are free below {place}, and about {wanted[disk]} MB are needed; make room")


def pinned(requirements: str) -> list[str]:
    """List the packages that a file of requirements names for this kind of system."""
    return _PINNED.findall(requirements)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
