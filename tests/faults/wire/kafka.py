"""Kafka on the wire: replies that get lost, and an EndTxn that arrives in a later transaction."""

import asyncio
import struct
import threading
from collections import Counter
from dataclasses import dataclass
from enum import IntEnum
from random import Random

from tests.faults.wire.proxy import Closed, Read, Wire

REQUEST_HEAD = struct.Struct(">hhih")
CORRELATION = struct.Struct(">i")
LENGTH = struct.Struct(">i")
#: a held EndTxn that found no later transaction is delivered after all
GIVE_UP_AFTER_S = 6.0


class Api(IntEnum):
    """Requests that the campaign has plans with."""

    PRODUCE = 0
    INIT_PRODUCER_ID = 22
    ADD_PARTITIONS = 24
    ADD_OFFSETS = 25
    END_TXN = 26
    TXN_OFFSET_COMMIT = 28


#: when a held EndTxn is let go: as soon as the same client sends this in its next transaction
TRIGGERS = (Api.ADD_PARTITIONS, Api.PRODUCE, Api.ADD_OFFSETS, Api.TXN_OFFSET_COMMIT)


@dataclass
class Held:
    """An EndTxn that is on its way for too long."""

    wire: Wire
    frame: bytes
    trigger: Api
    #: the client has sent it again, so that its next transaction may begin
    is_repeated: bool = False


class KafkaPlan:
    """What is to happen to requests; filled by the campaign's thread, used by the proxy's."""

    def __init__(self, seed: int) -> None:
        self._random = Random(f"kafka-plan-{seed}")
        self._lock = threading.Lock()
        self._to_lose: Counter[int] = Counter()
        self._to_hold = 0
        self._held: dict[str, Held] = {}
        #: what happened, by request
        self.lost: Counter[str] = Counter()
        #: EndTxn requests that arrived in a later transaction, by the request after which they came
        self.late: Counter[str] = Counter()

    def lose_replies(self, api: Api, count: int) -> None:
        """Lose so many of the coming replies to a request."""
        with self._lock:
            self._to_lose[api] += count

    def hold_end_txn(self, count: int) -> None:
        """Hold so many of the coming EndTxn requests back until a later transaction."""
        with self._lock:
            self._to_hold += count

    def waiting(self) -> int:
        """Return how much of the plan is still to come."""
        with self._lock:
            return sum(self._to_lose.values()) + self._to_hold + len(self._held)

    def cancel(self) -> None:
        """Forget what is still to come."""
        with self._lock:
            self._to_lose.clear()
            self._to_hold = 0

    def loses_reply(self, api: int) -> bool:
        """Decide whether the reply to this request gets lost."""
        with self._lock:
            # not every one, so that the retry of a lost one often comes through
            if self._to_lose[api] <= 0 or self._random.random() < 0.4:
                return False
            self._to_lose[api] -= 1
            self.lost[Api(api).name] += 1
            return True

    def holds(self, api: int, client_id: str, wire: Wire, frame: bytes) -> bool:
        """Decide whether this request is held back, and keep it."""
        with self._lock:
            if api != Api.END_TXN or self._to_hold <= 0 or client_id in self._held or self._random.random() < 0.4:
                return False
            self._to_hold -= 1
            self._held[client_id] = Held(wire, frame, self._random.choice(TRIGGERS))
            return True

    def released_by(self, api: int, client_id: str) -> Held | None:
        """Return the held request that a passing one of the same client lets go."""
        with self._lock:
            held = self._held.get(client_id)
            if held is None:
                return None
            if api == Api.END_TXN:
                held.is_repeated = True
            if not held.is_repeated or api != held.trigger:
                return None
            self.late[held.trigger.name] += 1
            return self._held.pop(client_id)

    def give_up(self, client_id: str, wire: Wire) -> Held | None:
        """Return a request that was held for too long."""
        with self._lock:
            held = self._held.get(client_id)
            return self._held.pop(client_id) if held is not None and held.wire is wire else None


class KafkaConversation:
    """One connection of a Kafka client."""

    def __init__(self, plan: KafkaPlan) -> None:
        self._plan = plan
        self._doomed: set[int] = set()

    async def listen_to_client(self, wire: Wire) -> None:
        """Carry requests on, except those that are held back."""
        while True:
            frame = await _frame(wire.client.read)
            api, _, correlation, id_length = REQUEST_HEAD.unpack_from(frame, LENGTH.size)
            start = LENGTH.size + REQUEST_HEAD.size
            client_id = frame[start : start + max(0, id_length)].decode("utf-8", "replace")
            if self._plan.loses_reply(api):
                self._doomed.add(correlation)
            elif self._plan.holds(api, client_id, wire, frame):
                self._let_go(wire, client_id)
            await wire.to_server(frame)
            released = self._plan.released_by(api, client_id)
            if released is not None:
                _deliver_soon(released)

    async def listen_to_server(self, wire: Wire) -> None:
        """Carry replies back, except those that get lost together with the connection."""
        while True:
            frame = await _frame(wire.server.read)
            (correlation,) = CORRELATION.unpack_from(frame, LENGTH.size)
            if correlation in self._doomed:
                raise Closed
            await wire.to_client(frame)

    def _let_go(self, wire: Wire, client_id: str) -> None:
        wire.keeps_server = True
        asyncio.get_running_loop().call_later(GIVE_UP_AFTER_S, self._give_up, wire, client_id)
        raise Closed

    def _give_up(self, wire: Wire, client_id: str) -> None:
        held = self._plan.give_up(client_id, wire)
        if held is not None:
            _deliver_soon(held)


_deliveries: set["asyncio.Task[None]"] = set()


def _deliver_soon(held: Held) -> None:
    delivery = asyncio.get_running_loop().create_task(_deliver(held))
    _deliveries.add(delivery)
    delivery.add_done_callback(_deliveries.discard)


async def _deliver(held: Held) -> None:
    try:
        await held.wire.server.write(held.frame)
        await asyncio.wait_for(_frame(held.wire.server.read), 5)
    except (Closed, TimeoutError):
        pass
    finally:
        held.wire.server.reset()


async def _frame(read: Read) -> bytes:
    head = await read(LENGTH.size)
    (length,) = LENGTH.unpack(head)
    return head + await read(length)
