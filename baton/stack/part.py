"""A part of the stack: a process to keep running, and how to know that it is ready."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from baton.stack.process import Command


async def nothing_to_prepare() -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Part:
    """A process the supervisor keeps running."""

    name: str
    command: Command
    #: A question to the running process; it may block and may raise, both mean "not yet".
    is_ready: Callable[[], bool]
    slot: int = 0
    #: What must be done before each start, for instance formatting a folder.
    prepare: Callable[[], Awaitable[None]] = nothing_to_prepare
    ready_within_s: float = 60.0
    grace_s: float = 10.0
    metrics_port: int | None = None
    #: The consumer group whose lag `baton ps` shows.
    group: str | None = None

    @property
    def title(self) -> str:
        """Name the process for a person and for its log file."""
        return self.name if self.slot == 0 else f"{self.name}-{self.slot}"
