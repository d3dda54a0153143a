"""Named places where a process can be made to die, stall or fail, so that recovery is tested on purpose.

FAILPOINT lists them: NAME[=ACTION][:PROBABILITY][@HIT], separated by commas; ACTION is kill (default), exit or stall.
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
    STALL = "stall"  #: stand still for ever


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


_armed: dict[str, Failpoint] = {}


def _reach(name: str) -> None:
    point = _armed.get(name)
    if point is not None:
        point.reach()


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
    _armed.clear()
    _armed.update((point.name, point) for point in map(parse_failpoint, filter(None, setting.split(","))))
    _Switch.act = staticmethod(_reach if _armed else _pass)


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
