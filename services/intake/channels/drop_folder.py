"""The watched folder: files put into CHANNEL/ or CHANNEL/NETWORK/CLINIC/ are taken as messages of that channel."""

import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
from watchfiles import watch

from runtime.clock import Clock
from runtime.failpoints import failpoint
from runtime.metrics import SUBMISSIONS
from runtime.stopping import StopRequest
from schemas.vocabulary import Channel
from services.intake.channels.accept import Acceptor
from services.intake.channels.arrival import Arrival, Sender
from services.intake.channels.arrivals import Handed, arrivals_of, unread
from services.intake.channels.dropped_file import Stamp, read_file, stamp_of
from services.intake.channels.file_types import HEAD, media_type_of
from services.intake.channels.limits import LARGEST
from services.intake.channels.open_files import is_written_to
from services.intake.channels.refusal import Refusal, RefusalCode
from services.intake.channels.set_aside import DONE, FAILED, SetAside

SOURCE = "drop-folder"
LOOK_EVERY_MS = 250
#: how long to leave everything alone when nothing can be kept
REST_S = 5.0
#: a file that somebody has open to write without writing is taken after this time: it may be a program that forgot it
LONGEST_OPEN_S = 600.0
#: names that programs give to files they are still writing
_UNFINISHED = re.compile(r"\..*|.*~|.*\.(?:part|partial|filepart|tmp|temp|crdownload|swp)", re.IGNORECASE)
_CHANNELS = frozenset(Channel)
MOST_LOGGED = 20
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
#: what a sender would be told; here nobody is there, so that people look at it (R13)
_LEFT_TO_PEOPLE = frozenset(
    [
        RefusalCode.NOT_JSON,
        RefusalCode.NOT_A_FORM,
        RefusalCode.WRONG_RESOURCE,
        RefusalCode.NO_HEADER,
        RefusalCode.UNSUPPORTED_TYPE,
    ]
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file lies, and so whose it is."""

    channel: Channel
    sender: Sender


class DropFolder:
    """Takes the files of one folder; one that is taken again after a kill is the same submission."""

    def __init__(
        self,
        root: Path,
        acceptor: Acceptor,
        clock: Clock,
        *,
        network: str,
        clinic: str,
        settle_s: float,
        is_open: Callable[[], bool] = lambda: True,
        is_written_to: Callable[[Path], bool] = is_written_to,
    ) -> None:
        self._root = root
        self._acceptor = acceptor
        self._clock = clock
        self._network = network
        self._clinic = clinic
        self._settle_s = settle_s
        self._is_open = is_open
        self._is_written_to = is_written_to
        self._aside = SetAside(root)
        #: how each waiting file looked, and since when it has looked so
        self._seen: dict[Path, tuple[Stamp, float]] = {}
        self._unreadable: set[tuple[Path, Stamp]] = set()
        self._rest_until = 0.0

    def prepare(self) -> None:
        """Make the folders that people put files into."""
        for name in Channel:
            (self._root / name).mkdir(parents=True, exist_ok=True)
        self._aside.prepare()

    def watch(self, stop: StopRequest) -> None:
        """Take files as they come until told to stop."""
        # the changes only end the pause early; each look goes through the whole folder, so that none is missed
        for _ in watch(
            self._root,
            watch_filter=None,
            stop_event=stop,
            rust_timeout=LOOK_EVERY_MS,
            yield_on_timeout=True,
            raise_interrupt=False,
        ):
            self.look()

    def look(self) -> None:
        """Go through the folder once and take what is complete."""
        now = time.monotonic()
        if now < self._rest_until or not self._is_open():
            return
        self._aside.look_again()
        waiting = dict(self._waiting())
        self._seen = {
            path: (stamp, self._seen[path][1] if self._seen.get(path, (None,))[0] == stamp else now)
            for path, stamp in waiting.items()
        }
        for path, (stamp, since) in sorted(self._seen.items()):
            if (path, stamp) not in self._unreadable and self._is_complete(path, now - since):
                self._take(path, stamp)

    def _is_complete(self, path: Path, unchanged_s: float) -> bool:
        if unchanged_s < self._settle_s:
            return False
        return unchanged_s >= LONGEST_OPEN_S or not self._is_written_to(path)

    def _waiting(self) -> Iterator[tuple[Path, Stamp]]:
        for folder, subfolders, names in os.walk(self._root):
            subfolders[:] = [name for name in subfolders if not name.startswith(".")]
            for name in names:
                path = Path(folder, name)
                stamp = None if _UNFINISHED.fullmatch(name) else stamp_of(path)
                if stamp is not None:
                    yield path, stamp

    def _take(self, path: Path, stamp: Stamp) -> None:
        try:
            self._take_or_refuse(path, stamp)
        except Refusal as refusal:
            if refusal.code is RefusalCode.UNAVAILABLE:
                self._rest_until = time.monotonic() + REST_S
                return
            log.warning("file_refused", reason=refusal.code)
            SUBMISSIONS.labels((*(set(self._folders(path)[:1]) & _CHANNELS), "unknown")[0], refusal.code).inc()
            self._set_aside(path, FAILED, stamp, content=None, reason=f"{refusal.code}: {refusal.sentence}")
        except OSError as error:
            log.error("file_not_read", error=error)
            self._unreadable.add((path, stamp))

    def _take_or_refuse(self, path: Path, stamp: Stamp) -> None:
        place = self._place(path)
        dropped = read_file(path, largest=LARGEST[place.channel])
        if dropped.stamp != stamp:
            return
        accepted = self._acceptor.accept(self._arrivals(place, path, dropped.content))
        failpoint("channels.before_set_aside")
        log.info(
            "file_taken", referral_ids=[one.referral_id for one in accepted[:MOST_LOGGED]], referrals=len(accepted)
        )
        self._set_aside(path, DONE, stamp, content=dropped.content)

    def _arrivals(self, place: Place, path: Path, content: bytes) -> list[Arrival]:
        handed = Handed(
            channel=place.channel,
            content=content,
            content_type=media_type_of(place.channel, path.name, content[:HEAD]),
            file_name=os.fsencode(path.name).decode("utf-8", "replace"),
        )
        now = self._clock.now()
        try:
            return arrivals_of(handed, place.sender, now=now)
        except Refusal as refusal:
            if refusal.code not in _LEFT_TO_PEOPLE:
                raise
            return [unread(handed, place.sender, now=now)]

    def _place(self, path: Path) -> Place:
        folders = self._folders(path)
        if not folders or folders[0] not in _CHANNELS:
            raise Refusal(RefusalCode.UNKNOWN_CHANNEL)
        owner = folders[1:] or (self._network, self._clinic)
        if len(owner) != len((self._network, self._clinic)) or not all(_ID.fullmatch(name) for name in owner):
            raise Refusal(RefusalCode.BAD_ADDRESS)
        return Place(Channel(folders[0]), Sender(owner[0], owner[1], SOURCE))

    def _folders(self, path: Path) -> tuple[str, ...]:
        return path.relative_to(self._root).parts[:-1]

    def _set_aside(
        self, path: Path, kind: str, stamp: Stamp, *, content: bytes | None, reason: str | None = None
    ) -> None:
        try:
            self._aside.put(path, kind, stamp, content=content, reason=reason)
        except OSError as error:
            # it was dealt with; looking at it again would change nothing and cost time
            log.error("file_not_moved", error=error)
            self._unreadable.add((path, stamp))
