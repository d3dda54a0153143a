"""The ledger: what senders and staff gave and were told, kept by nobody but themselves."""

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tests.faults.evidence import Asked, LedgerPage, Planted, Record, Sent


@dataclass
class _Message:
    clinic: str
    must_exist: bool
    attempts: int = 0
    acknowledged: list[str] = field(default_factory=list)


class Ledger:
    """Grows while senders and staff work; many threads write it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages: dict[str, _Message] = {}
        self._asked: dict[str, Asked] = {}
        self._planted: list[Planted] = []
        self._junk: defaultdict[str, int] = defaultdict(int)

    def attempt(self, digest: str, *, clinic: str, must_exist: bool = True) -> None:
        """Note that a message is about to be sent, for the first time or again."""
        with self._lock:
            self._messages.setdefault(digest, _Message(clinic, must_exist)).attempts += 1

    def acknowledge(self, digest: str, referral_id: str) -> None:
        """Note that a sender was told that a message is safe."""
        with self._lock:
            self._messages[digest].acknowledged.append(referral_id)

    def ask(self, command_id: str, referral_id: str) -> None:
        """Note that a command is about to be given."""
        with self._lock:
            self._asked.setdefault(command_id, Asked(command_id, referral_id, is_acknowledged=False))

    def accept(self, command_id: str) -> None:
        """Note that a person was told that a command is safe."""
        with self._lock:
            self._asked[command_id] = Asked(command_id, self._asked[command_id].referral_id, is_acknowledged=True)

    def plant(self, poison: Planted) -> None:
        """Note that a poisonous record is on a topic."""
        with self._lock:
            self._planted.append(poison)

    def junk(self, kind: str) -> None:
        """Note that something that is no message was thrown at a door."""
        with self._lock:
            self._junk[kind] += 1

    def poison_count(self) -> dict[str, int]:
        """Return how much poison of each kind was given, on topics and at doors."""
        with self._lock:
            counts = dict(self._junk)
            for poison in self._planted:
                counts[poison.kind] = counts.get(poison.kind, 0) + 1
            return counts

    def page(self) -> LedgerPage:
        """Return everything written so far."""
        with self._lock:
            sent = tuple(
                Sent(digest, m.clinic, tuple(m.acknowledged), m.attempts, m.must_exist)
                for digest, m in self._messages.items()
            )
            return LedgerPage(sent, tuple(self._asked.values()), tuple(self._planted))


def without_planted(records: Sequence[Record], planted: Sequence[Planted]) -> tuple[Record, ...]:
    """Return the records with planted ones as what they are: unreadable, whatever a lenient reader makes of them."""
    places = {(poison.topic, poison.partition, poison.offset) for poison in planted}
    unconfirmed = {(poison.topic, poison.key, poison.digest) for poison in planted if poison.offset < 0}
    return tuple(
        replace(r, event_id=None, values={})
        if (r.topic, r.partition, r.offset) in places or (r.topic, r.key, r.digest) in unconfirmed
        else r
        for r in records
    )
