"""The proxies lose, delay and forge exactly what they are told to, on servers and clients made of a few bytes."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from baton.stack.ports import free_port
from tests.faults.wire.kafka import Api, KafkaConversation, KafkaPlan
from tests.faults.wire.postgres import Fate, PostgresConversation, PostgresPlan
from tests.faults.wire.proxy import Conversation, Proxy

Serve = Callable[[socket.socket], None]


@contextmanager
def _relayed(serve: Serve, converse: Callable[[], Conversation]) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_accept, args=(server, serve), daemon=True)
        thread.start()
        port = free_port()
        proxy = Proxy(listen=port, target=int(server.getsockname()[1]), converse=converse)
        proxy.start()
        yield port
        proxy.stop()


def _accept(server: socket.socket, serve: Serve) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(serve, connection), daemon=True).start()


def _serve(serve: Serve, connection: socket.socket) -> None:
    with connection:
        serve(connection)


def _read(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        chunk = connection.recv(count - len(data))
        if not chunk:
            raise ConnectionError
        data += chunk
    return data


# ------------------------------------------------------------------ Kafka


def _request(api: int, correlation: int, client: bytes = b"baton") -> bytes:
    body = struct.pack(">hhih", api, 1, correlation, len(client)) + client
    return struct.pack(">i", len(body)) + body


class Broker:
    """Answers each request with its correlation id, and remembers the requests."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def serve(self, connection: socket.socket) -> None:
        try:
            while True:
                (length,) = struct.unpack(">i", _read(connection, 4))
                api, _, correlation = struct.unpack_from(">hhi", _read(connection, length))
                self.seen.append(api)
                connection.sendall(struct.pack(">ii", 4, correlation))
        except OSError:
            return


def _ask(connection: socket.socket, api: int, correlation: int) -> int:
    connection.sendall(_request(api, correlation))
    _, answered = struct.unpack(">ii", _read(connection, 8))
    return int(answered)


def test_requests_and_replies_pass_when_nothing_is_planned() -> None:
    relayed = _relayed(Broker().serve, lambda: KafkaConversation(KafkaPlan(1)))
    with relayed as port, socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        answers = [_ask(client, api, number) for number, api in enumerate((0, 25, 26))]

    assert answers == [0, 1, 2]


def test_a_lost_reply_reaches_the_broker_and_not_the_client() -> None:
    broker, plan = Broker(), KafkaPlan(1)
    plan.lose_replies(Api.END_TXN, 1)
    with _relayed(broker.serve, lambda: KafkaConversation(plan)) as port:
        lost = 0
        while plan.waiting():
            with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
                try:
                    _ask(client, Api.END_TXN, 7)
                except OSError:
                    lost += 1

    assert lost == 1
    assert plan.lost["END_TXN"] == 1
    assert set(broker.seen) == {int(Api.END_TXN)}


def test_a_held_end_of_a_transaction_arrives_in_a_later_one() -> None:
    broker, plan = Broker(), KafkaPlan(3)
    plan.hold_end_txn(1)
    with _relayed(broker.serve, lambda: KafkaConversation(plan)) as port:
        _until_held(port, plan)
        before = broker.seen.count(Api.END_TXN)
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            _ask(client, Api.END_TXN, 1)
            for number, api in enumerate((Api.ADD_PARTITIONS, Api.PRODUCE, Api.ADD_OFFSETS, Api.TXN_OFFSET_COMMIT)):
                _ask(client, api, number)
        deadline = threading.Event()
        while broker.seen.count(Api.END_TXN) < before + 2 and not deadline.wait(0.02):
            continue

    assert plan.late.total() == 1


def _until_held(port: int, plan: KafkaPlan) -> None:
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            try:
                _ask(client, Api.END_TXN, 1)
            except OSError:
                return
    pytest.fail("nothing was held back")


# ------------------------------------------------------------------ Postgres


def _message(kind: bytes, content: bytes = b"") -> bytes:
    return kind + struct.pack(">i", len(content) + 4) + content


class Database:
    """Answers each query with its completion, and remembers the queries."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    def serve(self, connection: socket.socket) -> None:
        try:
            (length,) = struct.unpack(">i", _read(connection, 4))
            _read(connection, length - 4)
            connection.sendall(_message(b"Z", b"I"))
            while True:
                head = _read(connection, 5)
                content = _read(connection, struct.unpack(">i", head[1:])[0] - 4)
                self.seen.append(content)
                connection.sendall(_message(b"C", b"DONE\x00") + _message(b"Z", b"I"))
        except OSError:
            return


def _commit(port: int) -> list[bytes]:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(struct.pack(">ii", 8, 196_608))
        _messages(client)
        client.sendall(_message(b"Q", b"COMMIT\x00"))
        return _messages(client)


def _messages(client: socket.socket) -> list[bytes]:
    kinds: list[bytes] = []
    while b"Z" not in kinds:
        head = _read(client, 5)
        _read(client, struct.unpack(">i", head[1:])[0] - 4)
        kinds.append(head[:1])
    return kinds


def test_a_commit_whose_reply_is_lost_was_done() -> None:
    database, plan = Database(), PostgresPlan(1)
    plan.order(Fate.LOSE_REPLY, 1)
    with _relayed(database.serve, lambda: PostgresConversation(plan)) as port:
        lost = 0
        while plan.waiting():
            try:
                assert _commit(port) == [b"C", b"Z"]
            except OSError:
                lost += 1

    assert lost == 1
    assert set(database.seen) == {b"COMMIT\x00"}


def test_a_refused_commit_is_rolled_back_and_told_as_an_error() -> None:
    database, plan = Database(), PostgresPlan(1)
    plan.order(Fate.REFUSE, 1)
    with _relayed(database.serve, lambda: PostgresConversation(plan)) as port:
        answers = []
        while plan.waiting():
            answers.append(_commit(port))

    assert answers[-1] == [b"E", b"Z"]
    assert database.seen[-1] == b"ROLLBACK\x00"
