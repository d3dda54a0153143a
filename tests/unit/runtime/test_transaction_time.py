"""All waits of one Kafka transaction share one limit, so that a broker that is gone is not waited for three times."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import TopicPartition

from runtime import exactly_once
from runtime.batch import Batch
from runtime.clock import MachineClock
from runtime.exactly_once import TRANSACTION_TIMEOUT_S, ExactlyOnce
from runtime.kafka import FatalErrorFlag
from runtime.settings import ServiceSettings

SETTINGS = ServiceSettings(
    kafka_bootstrap_servers="b:1", schema_registry_url="http://r", database_url="postgresql://", topic_prefix="x."
)


@dataclass
class Producer:
    """A producer that takes its time; each call notes how long it was allowed to take."""

    takes_s: float
    now: float = 100.0
    allowed: list[float] = field(default_factory=list)

    def begin_transaction(self) -> None:
        pass

    def flush(self, timeout_s: float) -> int:
        return self._wait(timeout_s)

    def send_offsets_to_transaction(self, _offsets: list[TopicPartition], _group: object, timeout_s: float) -> None:
        self._wait(timeout_s)

    def commit_transaction(self, timeout_s: float) -> None:
        self._wait(timeout_s)

    def _wait(self, timeout_s: float) -> int:
        self.allowed.append(timeout_s)
        self.now += self.takes_s
        return 0


class Consumer:
    def assignment(self) -> list[TopicPartition]:
        return []

    def consumer_group_metadata(self) -> object:
        return object()


def publish(producer: Producer, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    monkeypatch.setattr(exactly_once, "time", SimpleNamespace(monotonic=lambda: producer.now))
    nothing = cast(Any, None)
    step = ExactlyOnce(
        cast(Any, SimpleNamespace(service="stager", consumes=())),
        SETTINGS,
        consumer=cast(Any, Consumer()),
        producer=cast(Any, producer),
        connection=nothing,
        codec=nothing,
        clock=MachineClock(),
        fatal=FatalErrorFlag(),
    )
    step._publish(Batch([]), {})
    # the client library does not always keep to what it is allowed, so that the watchdog knows the limit too
    assert step.progress.over_at == 100.0 + TRANSACTION_TIMEOUT_S
    return producer.allowed


def test_each_wait_gets_what_those_before_it_left(monkeypatch: pytest.MonkeyPatch) -> None:
    assert publish(Producer(takes_s=3.0), monkeypatch) == [
        TRANSACTION_TIMEOUT_S,
        TRANSACTION_TIMEOUT_S - 3.0,
        TRANSACTION_TIMEOUT_S - 6.0,
    ]


def test_nothing_left_is_not_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert publish(Producer(takes_s=TRANSACTION_TIMEOUT_S + 1), monkeypatch) == [TRANSACTION_TIMEOUT_S, 0.0, 0.0]
