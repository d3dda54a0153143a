"""A consumed record and a record to be produced."""

from datetime import datetime
from typing import NamedTuple

from schemas.event import Event


class RawRecord(NamedTuple):
    """A consumed record before anybody looked into it."""

    topic: str  #: without the deployment's prefix
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    recorded_at: datetime  #: the record's timestamp, UTC

    def header(self, name: str) -> bytes | None:
        """Return the value of the first header of a name."""
        for found, value in self.headers:
            if found == name:
                return value
        return None


class Delivery(NamedTuple):
    """One consumed and decoded record."""

    event: Event
    event_id: str
    topic: str
    partition: int
    offset: int
    key: str
    #: the record's timestamp: the only "now" of a decision, so that a rebuild from the topics decides the same
    recorded_at: datetime
    traceparent: str | None


class Output(NamedTuple):
    """One encoded record, as it is stored with its cause and produced, byte for byte, each time."""

    topic: str
    key: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
