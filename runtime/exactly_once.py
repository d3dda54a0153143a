"""The exactly-once step: consume, decide in one database transaction, produce in one Kafka transaction.

Correctness rests on unique keys in Postgres; the Kafka transaction keeps the topics clean. There is no recovery in
the process: on any transaction error it exits, its successor fences it and the inbox answers what was decided.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from runtime import metrics
from runtime.application import Application, Batch
from runtime.attempts import MAX_ATTEMPTS, Attempts, suspects_apart
from runtime.clock import Clock
from runtime.delivery import RawRecord
from runtime.failpoints import failpoint
from runtime.inbox import Inbox, Positions
from runtime.kafka import FatalErrorFlag, FatalKafkaError
from runtime.pipeline import Pipeline
from runtime.quarantine import QuarantineState
from runtime.settings import ServiceSettings
from schemas.codec import Codec

log = structlog.get_logger()

TRANSACTION_TIMEOUT_S = 15.0
INIT_TRANSACTIONS_TIMEOUT_S = 30.0
LAG_EVERY_S = 1.0


class Progress:
    """When the loop last moved; read by the watchdog from another thread."""

    def __init__(self) -> None:
        self.committed_at = time.monotonic()
        self.busy_since: float | None = None

    def begin(self) -> None:
        """Note that a batch is in hand."""
        self.busy_since = time.monotonic()

    def committed(self) -> None:
        """Note that a batch is done."""
        self.busy_since = None
        self.committed_at = time.monotonic()


class ExactlyOnce:
    """Runs one pipeline on one consumer, one transactional producer and one database connection."""

    def __init__(
        self,
        pipeline: Pipeline,
        settings: ServiceSettings,
        *,
        consumer: Consumer,
        producer: Producer,
        connection: psycopg.Connection,
        codec: Codec,
        clock: Clock,
        fatal: FatalErrorFlag,
    ) -> None:
        self._pipeline, self._settings = pipeline, settings
        self._consumer, self._producer, self._connection = consumer, producer, connection
        self._clock, self._fatal = clock, fatal
        self._application = Application(pipeline, codec, settings.instance)
        self._inbox = Inbox(pipeline.service, settings.instance)
        self._attempts = Attempts(pipeline.service, settings.instance)
        self._published: list[int] = []
        self._careful_records = 0
        self._lag_at = 0.0
        self.progress = Progress()

    def run(self, *, should_stop: Callable[[], bool], on_ready: Callable[[], None]) -> None:
        """Consume until told to stop.

        Raises:
            FatalKafkaError, KafkaException, psycopg.OperationalError: the process has to be started again.
        """
        self._begin()
        on_ready()
        while not should_stop():
            self._fatal.check()
            messages = self._consumer.consume(self._settings.batch_size, self._settings.batch_wait_ms / 1000)
            records = list(self._records(messages))
            if records:
                self._take(records)
            self._measure_lag()
        with self._connection.transaction():
            self._inbox.mark_published(self._connection, self._published)
            self._attempts.end_life(self._connection)

    def _begin(self) -> None:
        if self._pipeline.produces:
            self._producer.init_transactions(INIT_TRANSACTIONS_TIMEOUT_S)
        with self._connection.transaction():
            ended_cleanly = self._attempts.begin_life(self._connection)
        if not ended_cleanly:
            self._careful_records = 2 * self._settings.batch_size
            log.info("careful_start")
        topics = [self._settings.topic_prefix + event.schema_name for event in self._pipeline.consumes]
        self._consumer.subscribe(topics, on_assign=self._on_assign)

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        log.info("partitions_assigned", count=len(partitions))
        committed = consumer.committed(partitions, timeout=10)
        known = {(self._bare(p.topic), p.partition): p.offset for p in committed if p.offset >= 0}
        if known and self._pipeline.keeps_inbox:
            with self._connection.transaction():
                self._inbox.mark_committed(self._connection, known)

    def _records(self, messages: Iterable[Message]) -> Iterable[RawRecord]:
        for message in messages:
            error = message.error()
            if error is not None:
                self._judge(error)
                continue
            yield RawRecord(
                topic=self._bare(message.topic() or ""),
                partition=message.partition() or 0,
                offset=message.offset() or 0,
                key=_bytes(message.key()),
                value=_bytes(message.value()),
                headers=tuple((name, value or b"") for name, value in _headers(message)),
                recorded_at=datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC),
            )

    def _judge(self, error: KafkaError) -> None:
        # skipping every error record would also skip the one that says the consumer is fenced for good
        if error.fatal() or (not error.retriable() and error.code() != KafkaError._PARTITION_EOF):
            raise FatalKafkaError(error.name())
        log.warning("kafka_error", code=error.name(), is_fatal=False)

    def _take(self, records: Sequence[RawRecord]) -> None:
        if self._careful_records <= 0:
            self._step(records)
            return
        with self._connection.transaction():
            counts = self._attempts.counts(self._connection, records)
        count_of = dict(zip(map(id, records), counts, strict=True))
        for group in suspects_apart(records, counts):
            with self._connection.transaction():
                self._attempts.count_up(self._connection, group)
            self._step(group, is_poison=count_of[id(group[0])] >= MAX_ATTEMPTS, is_careful=True)
        self._careful_records -= len(records)

    def _step(self, records: Sequence[RawRecord], *, is_poison: bool = False, is_careful: bool = False) -> None:
        name = self._pipeline.service
        self.progress.begin()
        positions = _positions(records)
        with metrics.BATCH_DURATION.labels(name).time():
            failpoint(f"{name}.before_database")
            batch = self._apply(records, positions, is_poison=is_poison, is_careful=is_careful)
            failpoint(f"{name}.after_commit")
            self._publish(batch, positions)
            failpoint(f"{name}.after_transaction")
        self._published = [] if batch.batch_id is None else [batch.batch_id]
        self.progress.committed()
        self._count(batch)

    def _apply(self, records: Sequence[RawRecord], positions: Positions, *, is_poison: bool, is_careful: bool) -> Batch:
        with self._connection.transaction():
            batch = self._application.apply(
                self._connection,
                records,
                positions=positions,
                published=self._published,
                at=self._clock.now(),
                is_poison=is_poison,
            )
            if is_careful:
                self._attempts.clear(self._connection, records)
            failpoint(f"{self._pipeline.service}.before_commit")
        return batch

    def _publish(self, batch: Batch, positions: Positions) -> None:
        offsets = [
            TopicPartition(self._settings.topic_prefix + topic, partition, offset)
            for (topic, partition), offset in positions.items()
        ]
        self._require_assigned(offsets)
        if not self._pipeline.produces:
            self._consumer.commit(offsets=offsets, asynchronous=False)
            return
        self._producer.begin_transaction()
        self._produce(batch)
        failpoint(f"{self._pipeline.service}.after_produce")
        self._producer.send_offsets_to_transaction(
            offsets, self._consumer.consumer_group_metadata(), TRANSACTION_TIMEOUT_S
        )
        failpoint(f"{self._pipeline.service}.after_offsets")
        self._producer.commit_transaction(TRANSACTION_TIMEOUT_S)

    def _produce(self, batch: Batch) -> None:
        timestamp = int(self._clock.now().timestamp() * 1000)
        for outputs in batch.outputs.values():
            for output in outputs:
                self._producer.produce(
                    self._settings.topic_prefix + output.topic,
                    key=output.key,
                    value=output.value,
                    headers=list(output.headers),
                    timestamp=timestamp,
                )

    def _require_assigned(self, offsets: Sequence[TopicPartition]) -> None:
        # a batch of a partition that went to another instance must not be committed under the new generation
        assigned = {(p.topic, p.partition) for p in self._consumer.assignment()}
        if any((p.topic, p.partition) not in assigned for p in offsets):
            raise FatalKafkaError("partition_lost")

    def _count(self, batch: Batch) -> None:
        name = self._pipeline.service
        for delivery in batch.deliveries:
            metrics.RECORDS.labels(name, delivery.topic, "applied").inc()
        for delivery in batch.duplicates:
            metrics.RECORDS.labels(name, delivery.topic, "duplicate").inc()
        for setback in batch.setbacks:
            is_parked = setback.state is QuarantineState.PARKED
            metrics.RECORDS.labels(name, setback.raw.topic, "parked" if is_parked else "quarantined").inc()
        metrics.BATCH_RECORDS.labels(name).observe(len(batch.raws))
        metrics.LAST_COMMIT.labels(name).set(self._clock.now().timestamp())

    def _measure_lag(self) -> None:
        if time.monotonic() - self._lag_at < LAG_EVERY_S:
            return
        self._lag_at = time.monotonic()
        metrics.LAG.labels(self._pipeline.service).set(consumer_lag(self._consumer, cached=True))

    def _bare(self, topic: str) -> str:
        return topic.removeprefix(self._settings.topic_prefix)


def consumer_lag(consumer: Consumer, *, cached: bool) -> int:
    """Return how many records wait in the consumer's partitions; `cached` asks no broker."""
    lag = 0
    for position in consumer.position(consumer.assignment()):
        try:
            low, high = consumer.get_watermark_offsets(position, timeout=3.0, cached=cached)
        except KafkaException:
            continue
        lag += max(0, high - max(low, position.offset))
    return lag


def _positions(records: Sequence[RawRecord]) -> Positions:
    return {(r.topic, r.partition): r.offset + 1 for r in records}


def _headers(message: Message) -> list[tuple[str, Any]]:
    headers = message.headers() or []
    return list(headers.items() if isinstance(headers, dict) else headers)


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
