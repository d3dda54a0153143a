"""What channel tests need: a document store and a broker in memory, and an acceptor on top of them."""

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from runtime.clock import FixedClock
from runtime.document_store import DocumentMissing, DocumentStoreUnavailable
from runtime.kafka import PublishFailed
from schemas.event import Event
from schemas.events import IntakeSubmitted
from services.intake.channels.accept import Acceptor
from services.intake.channels.arrival import Sender

NOW = datetime(2026, 1, 5, 14, 0, tzinfo=UTC)
SENDER = Sender("riverside", "harbor", "elm-street")


class MemoryStore:
    """A document store that forgets when it goes."""

    def __init__(self) -> None:
        self.documents: dict[str, bytes] = {}
        self.is_away = False

    def put(self, data: bytes) -> str:
        return self.put_all((data,))[0]

    def put_all(self, documents: Sequence[bytes]) -> tuple[str, ...]:
        if self.is_away:
            raise DocumentStoreUnavailable
        digests = tuple(hashlib.sha256(data).hexdigest() for data in documents)
        self.documents.update(zip(digests, documents, strict=True))
        return digests

    def get(self, digest: str) -> bytes:
        try:
            return self.documents[digest]
        except KeyError:
            raise DocumentMissing from None

    def get_small(self, digests: Sequence[str], *, largest: int) -> dict[str, bytes]:
        return {d: self.documents[d] for d in digests if len(self.documents.get(d, b"")) in range(1, largest + 1)}


class MemoryBroker:
    """A topic of submissions that may be away, and may be held up."""

    def __init__(self) -> None:
        self.events: list[IntakeSubmitted] = []
        self.batches: list[int] = []
        self.is_away = False
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def __call__(self, events: Sequence[Event]) -> None:
        self.may_go_on.wait(10)
        if self.is_away:
            raise PublishFailed
        self.batches.append(len(events))
        self.events.extend(event for event in events if isinstance(event, IntakeSubmitted))


@dataclass
class Entrance:
    """An acceptor with what it accepted."""

    store: MemoryStore = field(default_factory=MemoryStore)
    broker: MemoryBroker = field(default_factory=MemoryBroker)
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))
    is_open: bool = True
    acceptor: Acceptor = field(init=False)

    def __post_init__(self) -> None:
        self.acceptor = Acceptor(self.store, self.broker, self.clock)

    @property
    def contents(self) -> list[bytes]:
        """The stored bytes of every submission, in order."""
        return [self.store.get(event.content_digest) for event in self.broker.events]


@contextmanager
def entrance() -> Iterator[Entrance]:
    """Run an acceptor for the time of the block."""
    found = Entrance()
    found.acceptor.start()
    try:
        yield found
    finally:
        found.broker.may_go_on.set()
        found.acceptor.stop()
