"""Named places where a process can be made to die, stall or fail, so that recovery is tested on purpose.

FAILPOINT lists them: NAME[=ACTION][:PROBABILITY][@HIT], separated by commas; ACTION is kill (default), exit, stall
or stop.
FAILPOINT=file:PATH reads the list from a file that may change while the process runs.
"""

import os
import random
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class FailpointAction(StrEnum):
    """What happens at a failpoint."""

    KILL = "kill"  #: SIGKILL to the own process
    EXIT = "exit"  #: leave at once with code 70
    STALL = "stall"  #: the thread stands still for ever, the clients' threads live on
    STOP = "stop"  #: the whole process sleeps until a SIGCONT, as a machine that was suspended


EXIT_INTERNAL = 70


@dataclass
class Failpoint:
    """One armed failpoint."""

    name: str
    action: FailpointAction = FailpointAction.KILL
    probability: float = 1.0
    #: fire only at this hit, counted from 1; 0 for any
    at_hit: int = 0
    hits: int = field(default=0)

    def reach(self) -> None:
        """Count the hit and act when it is this one's turn."""
        self.hits += 1
        if self.at_hit not in (0, self.hits) or random.random() >= self.probability:
            return
        sys.stderr.write(f'{{"event": "failpoint_hit", "name": "{self.name}", "action": "{self.action}"}}\n')
        sys.stderr.flush()
        _act(self.action)


def _act(action: FailpointAction) -> None:
    match action:
        case FailpointAction.KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        case FailpointAction.EXIT:
            os._exit(EXIT_INTERNAL)
        case FailpointAction.STALL:
            threading.Event().wait()
        case FailpointAction.STOP:
            os.kill(os.getpid(), signal.SIGSTOP)


_armed: dict[str, Failpoint] = {}
FILE = "file:"


def _reach(name: str) -> None:
    point = _armed.get(name)
    if point is not None:
        point.reach()


class _ListInFile:
    """Arms what a file lists whenever the file has changed."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None

    def reach(self, name: str) -> None:
        try:
            found = os.stat(self._path)
        except FileNotFoundError:
            return
        if self._seen != (found.st_ino, found.st_mtime_ns):
            self._seen = (found.st_ino, found.st_mtime_ns)
            with open(self._path) as file:
                _arm_list(file.read().strip())
        _reach(name)


def _pass(_name: str) -> None:
    return


class _Switch:
    """Holds the function behind `failpoint`, so that an unarmed process pays one call and nothing more."""

    act: Callable[[str], None] = staticmethod(_pass)


def failpoint(name: str) -> None:
    """Mark a place by name; does nothing unless this name is armed."""
    _Switch.act(name)


def arm(setting: str) -> None:
    """Arm the failpoints a FAILPOINT setting lists; empty disarms all."""
    if setting.startswith(FILE):
        _armed.clear()
        _Switch.act = _ListInFile(setting.removeprefix(FILE)).reach
        return
    _arm_list(setting)
    _Switch.act = staticmethod(_reach if _armed else _pass)


def _arm_list(setting: str) -> None:
    _armed.clear()
    _armed.update((point.name, point) for point in map(parse_failpoint, filter(None, setting.split(","))))


def parse_failpoint(text: str) -> Failpoint:
    """Read one entry of the FAILPOINT setting.

    Raises:
        ValueError: an unknown action or a bad number.
    """
    rest, _, hit = text.strip().partition("@")
    rest, _, probability = rest.partition(":")
    name, _, action = rest.partition("=")
    return Failpoint(
        name=name,
        action=FailpointAction(action or "kill"),
        probability=float(probability or 1.0),
        at_hit=int(hit or 0),
    )
