"""Postgres on the wire: commits whose reply gets lost, and commits that fail for the sake of order.

The client must not ask for encryption: `sslmode=disable&gssencmode=disable`.
"""

import struct
import threading
from collections import Counter
from enum import StrEnum
from random import Random

from tests.faults.wire.proxy import Closed, Read, Wire

LENGTH = struct.Struct(">i")
QUERY, READY = b"Q", b"Z"
COMMIT, ROLLBACK = b"COMMIT\x00", b"ROLLBACK\x00"


class Fate(StrEnum):
    """What becomes of a COMMIT."""

    LOSE_REPLY = "reply of COMMIT lost"  #: it is done, and nobody is told
    REFUSE = "serialization failure"  #: it is rolled back, and the client is told why


class PostgresPlan:
    """What is to happen to commits; filled by the campaign's thread, used by the proxy's."""

    def __init__(self, seed: int) -> None:
        self._random = Random(f"postgres-plan-{seed}")
        self._lock = threading.Lock()
        self._to_come: Counter[Fate] = Counter()
        self.done: Counter[str] = Counter()

    def order(self, fate: Fate, count: int) -> None:
        """Let so many of the coming commits have this fate."""
        with self._lock:
            self._to_come[fate] += count

    def waiting(self) -> int:
        """Return how much of the plan is still to come."""
        with self._lock:
            return sum(self._to_come.values())

    def cancel(self) -> None:
        """Forget what is still to come."""
        with self._lock:
            self._to_come.clear()

    def next_fate(self) -> Fate | None:
        """Decide about the commit that passes now."""
        with self._lock:
            waiting = [fate for fate, count in self._to_come.items() if count > 0]
            if not waiting or self._random.random() < 0.5:
                return None
            fate = self._random.choice(waiting)
            self._to_come[fate] -= 1
            self.done[fate] += 1
            return fate


class PostgresConversation:
    """One connection of a Postgres client."""

    def __init__(self, plan: PostgresPlan) -> None:
        self._plan = plan
        self._fate: Fate | None = None

    async def listen_to_client(self, wire: Wire) -> None:
        """Carry messages on; a COMMIT may meet its fate."""
        await wire.to_server(await _untyped(wire))
        while True:
            kind, content = await _typed(wire.client.read)
            if kind == QUERY and content == COMMIT:
                self._fate = self._plan.next_fate()
            if self._fate is Fate.REFUSE:
                content = ROLLBACK
            await wire.to_server(_message(kind, content))

    async def listen_to_server(self, wire: Wire) -> None:
        """Carry messages back, except the reply to a commit that met its fate."""
        while True:
            kind, content = await _typed(wire.server.read)
            if self._fate is None:
                await wire.to_client(_message(kind, content))
            elif kind == READY:
                await self._answer(wire, _message(kind, content))

    async def _answer(self, wire: Wire, ready: bytes) -> None:
        if self._fate is Fate.LOSE_REPLY:
            raise Closed
        self._fate = None
        fields = {b"S": b"ERROR", b"V": b"ERROR", b"C": b"40001", b"M": b"could not serialize access"}
        text = b"".join(name + value + b"\x00" for name, value in fields.items()) + b"\x00"
        await wire.to_client(_message(b"E", text) + ready)


async def _untyped(wire: Wire) -> bytes:
    head = await wire.client.read(LENGTH.size)
    (length,) = LENGTH.unpack(head)
    return head + await wire.client.read(length - LENGTH.size)


async def _typed(read: Read) -> tuple[bytes, bytes]:
    head = await read(1 + LENGTH.size)
    (length,) = LENGTH.unpack_from(head, 1)
    return head[:1], await read(length - LENGTH.size)


def _message(kind: bytes, content: bytes) -> bytes:
    return kind + LENGTH.pack(len(content) + LENGTH.size) + content
