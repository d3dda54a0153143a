"""A part of the stack: a process to keep running, and how to know that it is ready."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from baton.stack.process import Command

#: For one answer of a part; a busy machine is slow, and the question comes again.
ANSWERS_WITHIN_S = 10.0


async def nothing_to_prepare() -> None:
    """Prepare nothing."""


def new_token() -> str:
    """Make the word by which a part knows its own process from another one that answers at the same address."""
    return secrets.token_hex(8)


@dataclass(frozen=True)
class Part:
    """A process the supervisor keeps running."""

    name: str
    command: Command
    #: A question to the running process; it may block and may raise, both mean "not yet". The answer of a process
    #: that is not its own means "no".
    is_ready: Callable[[], bool]
    slot: int = 0
    #: What must be done before each start, for instance formatting a folder.
    prepare: Callable[[], Awaitable[None]] = nothing_to_prepare
    grace_s: float = 10.0
    #: Where it listens.
    ports: tuple[int, ...] = ()
    metrics_port: int | None = None
    #: The consumer group whose lag `baton ps` shows.
    group: str | None = None

    @property
    def title(self) -> str:
        """Name the process for a person and for its log file."""
        return self.name if self.slot == 0 else f"{self.name}-{self.slot}"
