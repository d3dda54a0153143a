"""A publisher answers each caller for its own records only, and says so when one was not taken."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, Producer

from runtime import kafka
from runtime.kafka import Publisher, PublishFailed
from schemas.codec import Codec, TooLarge
from schemas.events import ReferralCommanded
from tests.support.relay_world import command
from tests.support.schema_ids import RememberedSchemas

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
Answer = Callable[[KafkaError | None, object], None]


class Client:
    """As much of a producer as a publisher asks for: keys that start with `stuck` are never answered."""

    def __init__(self, *, failing: frozenset[str] = frozenset(), full_for: int = 0) -> None:
        self._failing, self._full_for = failing, full_for
        self._waiting: list[tuple[str, Answer]] = []
        self._lock = threading.Lock()
        self.sent: list[dict[str, Any]] = []

    def produce(self, *, on_delivery: Answer, **record: Any) -> None:
        if self._full_for:
            self._full_for -= 1
            raise BufferError
        with self._lock:
            self.sent.append(record)
            self._waiting.append((record["key"], on_delivery))

    def poll(self, _timeout: float) -> int:
        with self._lock:
            ready = [one for one in self._waiting if not one[0].startswith("stuck")]
            self._waiting = [one for one in self._waiting if one[0].startswith("stuck")]
        for key, answer in ready:
            answer(KafkaError(KafkaError._MSG_TIMED_OUT) if key in self._failing else None, None)
        return len(ready)


def publisher(client: Client) -> Publisher:
    return Publisher(cast(Producer, client), Codec(RememberedSchemas()), topic_prefix="x.", source="board")


def about(key: str, number: int = 1) -> ReferralCommanded:
    return command(key, number)


def test_records_go_out_in_order_with_key_time_and_headers() -> None:
    client = Client()

    publisher(client).publish_all([about("A", 1), about("A", 2)], AT)

    first, second = client.sent
    assert (first["topic"], first["key"], first["timestamp"]) == ("x.referral.commanded.v1", "A", 1795424400000)
    assert [dict(one["headers"])["ce_id"].decode() for one in (first, second)] == [
        about("A", 1).event_id,
        about("A", 2).event_id,
    ]


def test_one_record_that_was_not_taken_fails_the_call() -> None:
    with pytest.raises(PublishFailed):
        publisher(Client(failing=frozenset({"B"}))).publish_all([about("A"), about("B"), about("C")], AT)


def test_a_record_that_nobody_answers_fails_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "PUBLISH_TIMEOUT_S", 0.05)

    with pytest.raises(PublishFailed):
        publisher(Client()).publish(about("stuck"), AT)


def test_nobody_waits_for_the_records_of_another_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "PUBLISH_TIMEOUT_S", 3.0)
    shared = publisher(Client())

    def publish_stuck() -> None:
        with pytest.raises(PublishFailed):
            shared.publish(about("stuck"), AT)

    stuck = threading.Thread(target=publish_stuck)
    stuck.start()

    for number in range(20):
        shared.publish(about("A", number), AT)

    assert stuck.is_alive(), "the others were done long before it gave up"
    stuck.join()


def test_a_full_client_is_waited_for() -> None:
    client = Client(full_for=3)

    publisher(client).publish(about("A"), AT)

    assert len(client.sent) == 1


def test_an_event_that_no_reader_would_take_is_not_sent() -> None:
    client = Client()

    with pytest.raises(TooLarge):
        publisher(client).publish(command("A", 1, comment="x" * 20_000).model_copy(update={"comment": "x" * 10**6}), AT)

    assert client.sent == []
