"""An input of a service with what the topics tell of its effects."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from runtime.delivery import RawRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """One input; several copies of an event are one."""

    raw: RawRecord
    #: None for a record that can not be read
    event_id: str | None
    #: what has to keep its order: a referral's inputs
    lane: str
    #: the announced events that it caused, as they are on their topic
    effects: tuple[bytes, ...] = ()
    #: the number of the first of them in the life of its referral
    place: int = 0
    #: when they were announced, and where the first of them is
    processed_at: datetime | None = None
    announced_at: tuple[int, int] | None = None

    @property
    def source(self) -> tuple[str, int]:
        """The partition it was read from; a service reads each in order."""
        return self.raw.topic, self.raw.partition

    @property
    def name(self) -> str:
        """Where it is, for people."""
        return f"{self.raw.topic}/{self.raw.partition}/{self.raw.offset}"


class Plan(Protocol):
    """Inputs to be applied in one step, and what to do when one has an effect now that it did not have then."""

    @property
    def left_out(self) -> Sequence[Staged]:
        """What is not applied, because its effect is on no topic."""

    def order(self) -> list[Staged]:
        """Return the inputs in the order in which they are to be applied."""

    def put_off(self, staged: Staged) -> None:
        """Take note that an input without announced effects would have one where it stands."""
