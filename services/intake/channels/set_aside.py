"""Where files go when they are dealt with; one that is written to all the same comes back, so that no rest is lost."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import structlog

from services.intake.channels.dropped_file import Stamp, stamp_of
from services.intake.channels.identity import digest_of

DONE, FAILED = ".done", ".failed"
NOTE = ".reason.txt"
LONGEST_NAME = 150
LOOK_EVERY_S = 2.0
#: how long a file is looked at again; later writes are seen at the next start
WATCHED_FOR_S = 3600.0
_MARK_LETTERS = 8
_ASIDE = re.compile(rf"([0-9a-f]{{{_MARK_LETTERS}}})[0-9a-f]{{{_MARK_LETTERS}}}-(.+)", re.DOTALL)

log = structlog.get_logger()


class SetAside:
    """The folders of what was taken and what was refused; a file's name there tells how it looked when it was moved."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._watched: dict[Path, float] = {}
        self._next_look = 0.0
        self._has_looked = False

    def prepare(self) -> None:
        """Make the folders."""
        for kind in (DONE, FAILED):
            (self._root / kind).mkdir(parents=True, exist_ok=True)

    def put(self, path: Path, kind: str, stamp: Stamp, *, content: bytes | None, reason: str | None = None) -> None:
        """Move a file out of the way, with a note of the reason beside it; one that was written to meanwhile stays.

        Raises:
            OSError: it can not be moved.
        """
        if stamp_of(path) != stamp:
            return
        folder = self._root / kind / path.relative_to(self._root).parent
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / _free_name(path.name, stamp)
        os.replace(path, target)
        # whoever had it open may have written between the look and the move
        if stamp_of(target) != stamp or (content is not None and target.read_bytes() != content):
            self._put_back(target)
            return
        if reason is not None:
            _note_of(target).write_text(f"{reason}\n", "utf-8")
        self._watched[target] = time.monotonic()

    def look_again(self) -> None:
        """Put back what was written to since it was moved; at the first look, among all that was ever moved."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + LOOK_EVERY_S
        places = list(self._watched) if self._has_looked else list(self._all())
        self._has_looked = True
        for place in places:
            if _was_written_to(place):
                with suppress(OSError):
                    self._put_back(place)
        self._watched = {place: since for place, since in self._watched.items() if now - since < WATCHED_FOR_S}

    def _all(self) -> Iterator[Path]:
        for kind in (DONE, FAILED):
            for folder, _, names in os.walk(self._root / kind):
                yield from (Path(folder, name) for name in names)

    def _put_back(self, place: Path) -> None:
        # under its new name, which no writer uses: a file of the old name may be there again
        kind = place.relative_to(self._root).parts[0]
        folder = self._root / place.relative_to(self._root / kind).parent
        folder.mkdir(parents=True, exist_ok=True)
        os.replace(place, folder / place.name)
        _note_of(place).unlink(missing_ok=True)
        self._watched.pop(place, None)
        log.warning("file_written_to_after_it_was_taken")


def _was_written_to(place: Path) -> bool:
    found = _ASIDE.fullmatch(place.name)
    if found is None or _is_note(place):
        return False
    stamp = stamp_of(place)
    return stamp is not None and _mark(found[2], stamp) != found[1]


def _free_name(name: str, stamp: Stamp) -> str:
    kept = os.fsdecode(os.fsencode(name)[-LONGEST_NAME:])
    # the same name may come again, with the same content or another
    own = digest_of(str(stamp.file_number).encode(), _bytes(name))[:_MARK_LETTERS]
    return f"{_mark(kept, stamp)}{own}-{kept}"


def _mark(name: str, stamp: Stamp) -> str:
    # without the number of the file: a copy of the folder on another disk is no news
    return digest_of(_bytes(name), f"{stamp.size} {stamp.changed_ns}".encode())[:_MARK_LETTERS]


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _note_of(place: Path) -> Path:
    return place.with_name(f"{place.name}{NOTE}")


def _is_note(place: Path) -> bool:
    return place.name.endswith(NOTE) and place.with_name(place.name.removesuffix(NOTE)).exists()
