"""Every Kafka client of Baton is made here, so that no default setting can lose data (PITFALLS of librdkafka)."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Event as Flag
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaError, Producer
from confluent_kafka.admin import AdminClient

from runtime.settings import ServiceSettings
from schemas.codec import Codec, cloudevents_headers
from schemas.event import Event
from schemas.topics import key_of, topic_of

#: the hash of the Java client, so that every client puts a key into the same partition
PARTITIONER = "murmur2_random"
SESSION_TIMEOUT_MS = 6_000
TRANSACTION_TIMEOUT_MS = 10_000
PUBLISH_TIMEOUT_S = 10.0
#: how soon a thread sees an answer that another thread took for it
LOOK_EVERY_S = 0.002

log = structlog.get_logger()


class FatalKafkaError(Exception):
    """The Kafka client can not go on; the process has to be started again."""


class PublishFailed(Exception):
    """The broker did not confirm a record in time; whether it holds it is unknown, so send the same record again."""


class FatalErrorFlag:
    """Remembers a fatal error that a client reported from its own thread."""

    def __init__(self) -> None:
        self._flag = Flag()
        self._code = ""

    def report(self, error: KafkaError) -> None:
        """Take an error from a client; log it, and keep it when it is fatal."""
        log.warning("kafka_error", code=error.name(), is_fatal=error.fatal())
        if error.fatal():
            self._code = error.name()
            self._flag.set()

    def check(self) -> None:
        """Raise when a fatal error was reported.

        Raises:
            FatalKafkaError: a client gave up.
        """
        if self._flag.is_set():
            raise FatalKafkaError(self._code)


def consumer_config(settings: ServiceSettings, *, service: str) -> dict[str, Any]:
    """Return the settings of a service's consumer."""
    return {
        "bootstrap.servers": settings.kafka_bootstrap_servers,
        "client.id": f"{settings.topic_prefix}{service}-{settings.instance}",
        "group.id": f"{settings.topic_prefix}{service}",
        "group.instance.id": f"{service}-{settings.instance}",
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        # eager: with static members, a cooperative rebalance can leave partitions to nobody (docs/decisions/0020)
        "partition.assignment.strategy": "range",
        "session.timeout.ms": SESSION_TIMEOUT_MS,
        "heartbeat.interval.ms": 1_500,
        "max.poll.interval.ms": 60_000,
        "fetch.wait.max.ms": 50,
        "fetch.queue.backoff.ms": 10,
        "reconnect.backoff.max.ms": 2_000,
        "retry.backoff.ms": 10,
        "topic.metadata.refresh.interval.ms": 30_000,
        "queued.max.messages.kbytes": 16_384,
    }


def producer_config(settings: ServiceSettings, *, client: str) -> dict[str, Any]:
    """Return the settings every producer shares."""
    return {
        "bootstrap.servers": settings.kafka_bootstrap_servers,
        "client.id": f"{settings.topic_prefix}{client}-{settings.instance}",
        "enable.idempotence": True,
        "acks": "all",
        "partitioner": PARTITIONER,
        "linger.ms": 2,
        "retry.backoff.ms": 10,
        "reconnect.backoff.max.ms": 2_000,
        "compression.type": "lz4",
        "message.max.bytes": 1_500_000,
    }


def transactional_config(settings: ServiceSettings, *, service: str) -> dict[str, Any]:
    """Return the settings of a transactional producer; one id a slot, so that a new process fences the old."""
    return producer_config(settings, client=service) | {
        "transactional.id": f"{settings.topic_prefix}{service}-{settings.instance}",
        "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
    }


def make_consumer(settings: ServiceSettings, *, service: str, on_error: Callable[[KafkaError], None]) -> Consumer:
    """Return a consumer of a service's group."""
    # the end of a partition is an event, as only that tells how far reading is beyond the last record
    events = {"error_cb": on_error, "enable.partition.eof": True}
    return Consumer(consumer_config(settings, service=service) | events)


def make_transactional_producer(
    settings: ServiceSettings, *, service: str, on_error: Callable[[KafkaError], None]
) -> Producer:
    """Return the transactional producer of a service's slot."""
    return Producer(transactional_config(settings, service=service) | {"error_cb": on_error})


def make_admin(bootstrap_servers: str) -> AdminClient:
    """Return an admin client."""
    return AdminClient({"bootstrap.servers": bootstrap_servers, "client.id": "baton-admin"})


class Publisher:
    """Publish single events outside a transaction; returns only when every in-sync replica has them."""

    def __init__(self, producer: Producer, codec: Codec, *, topic_prefix: str, source: str) -> None:
        self._producer = producer
        self._codec = codec
        self._topic_prefix = topic_prefix
        self._source = source

    def publish(self, event: Event, at: datetime, traceparent: str | None = None) -> None:
        """Publish one event and wait for the broker.

        Raises:
            PublishFailed: not confirmed in time.
        """
        self.publish_all([event], at, traceparent)

    def publish_all(self, events: Sequence[Event], at: datetime, traceparent: str | None = None) -> None:
        """Publish events in order and wait for the broker once.

        Raises:
            PublishFailed: at least one was not confirmed in time; send all of them again.
        """
        receipt = _Receipt(len(events))
        deadline = time.monotonic() + PUBLISH_TIMEOUT_S
        for event in events:
            self._send(event, at, traceparent, receipt, deadline)
        # waits for the own records alone: a flush would wait for those of every other thread too
        while not receipt.is_complete:
            if time.monotonic() >= deadline:
                raise PublishFailed
            self._producer.poll(LOOK_EVERY_S)
        if receipt.has_failed:
            raise PublishFailed

    def _send(self, event: Event, at: datetime, traceparent: str | None, receipt: "_Receipt", deadline: float) -> None:
        record: dict[str, Any] = {
            "topic": self._topic_prefix + topic_of(type(event)).name,
            "key": key_of(event),
            "value": self._codec.encode(event),
            "headers": list(cloudevents_headers(event, source=self._source, at=at, traceparent=traceparent)),
            "timestamp": int(at.timestamp() * 1000),
        }
        while True:
            try:
                self._producer.produce(**record, on_delivery=receipt.take)
            except BufferError:
                if time.monotonic() >= deadline:
                    raise PublishFailed from None
                self._producer.poll(LOOK_EVERY_S)
            else:
                return


class _Receipt:
    """Counts the broker's answers to one call; they may arrive in any thread that asks the client for events."""

    def __init__(self, records: int) -> None:
        self._open = records
        self._lock = threading.Lock()
        self.has_failed = False

    def take(self, error: KafkaError | None, _message: object) -> None:
        """Count one answer."""
        with self._lock:
            self._open -= 1
            self.has_failed = self.has_failed or error is not None

    @property
    def is_complete(self) -> bool:
        """Tell whether every record was answered."""
        return self._open == 0


def make_publisher(settings: ServiceSettings, codec: Codec, *, source: str) -> Publisher:
    """Return a publisher; one process may share it between threads."""
    config = producer_config(settings, client=f"{source}-publisher")
    # somebody waits for each of these records, so that none of them waits for company
    config |= {"message.timeout.ms": int(PUBLISH_TIMEOUT_S * 1000) - 1_000, "linger.ms": 0}
    return Publisher(Producer(config), codec, topic_prefix=settings.topic_prefix, source=source)
