"""The SLA service and the courier on real parts: what is published, and what came of it."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

import psycopg
from confluent_kafka import Consumer, KafkaError, TopicPartition

from baton.sandbox import Sandbox
from runtime.kafka import make_publisher
from runtime.registry import RegistrySchemaIds, make_registry_client
from schemas.codec import Codec
from schemas.event import Event
from tests.support.waiting import PATIENCE_S, eventually

E = TypeVar("E", bound=Event)


class SlaWorld:
    """A sandbox with a publisher, a database connection and a reader of topics."""

    def __init__(self, sandbox: Sandbox, connection: psycopg.Connection, codec: Codec) -> None:
        self.sandbox = sandbox
        self.codec = codec
        self._connection = connection
        self._publisher = make_publisher(sandbox.settings, codec, source="test")

    def publish(self, events: Sequence[Event], *, at: datetime) -> None:
        """Publish events as if they were recorded at an instant."""
        self._publisher.publish_all(events, at)

    def rows(self, query: str, *arguments: object) -> list[tuple[object, ...]]:
        """Return what the database has."""
        return self._connection.execute(query.encode(), arguments).fetchall()

    def count(self, query: str, *arguments: object) -> int:
        """Return a number that the database has."""
        return int(str(self.rows(query, *arguments)[0][0]))

    def until(self, found: Callable[[], bool], *, what: str, within_s: float = PATIENCE_S) -> None:
        """Wait for something."""
        eventually(lambda: found() or None, within_s=within_s, what=what)

    def records(self, kind: type[E]) -> list[E]:
        """Return every committed record that is on a topic now."""
        topic = self.sandbox.prefix + kind.schema_name
        with _reader(self.sandbox.settings.kafka_bootstrap_servers) as consumer:
            partitions = sorted(consumer.list_topics(topic, timeout=120).topics[topic].partitions)
            return [event for partition in partitions for event in self._records(consumer, kind, topic, partition)]

    def _records(self, consumer: Consumer, kind: type[E], topic: str, partition: int) -> Iterator[E]:
        consumer.assign([TopicPartition(topic, partition, 0)])
        deadline = time.monotonic() + 20
        while True:
            assert time.monotonic() < deadline, "topic could not be read to its end"
            message = consumer.poll(0.2)
            if message is None:
                continue
            error = message.error()
            if error is not None and error.code() == KafkaError._PARTITION_EOF:
                break
            value = message.value()
            assert error is None
            assert isinstance(value, bytes)
            yield self.codec.decode(kind, value)
        consumer.unassign()


@contextmanager
def sla_world(sandbox: Sandbox) -> Iterator[SlaWorld]:
    """Open the world of a sandbox."""
    with (
        psycopg.connect(sandbox.database_url, autocommit=True) as connection,
        make_registry_client(sandbox.settings) as registry,
    ):
        codec = Codec(RegistrySchemaIds(registry), topic_prefix=sandbox.prefix)
        yield SlaWorld(sandbox, connection, codec)


@contextmanager
def _reader(bootstrap_servers: str) -> Iterator[Consumer]:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "test-reader",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    try:
        yield consumer
    finally:
        consumer.close()
