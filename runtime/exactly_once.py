"""The exactly-once step: consume, decide in one database transaction, produce in one Kafka transaction.

Correctness rests on unique keys in Postgres; the Kafka transaction keeps the topics clean. There is no recovery in
the process: on any transaction error it exits, its successor fences it and the inbox answers what was decided.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from functools import partial

import psycopg
import structlog
from confluent_kafka import Consumer, KafkaException, Producer

from runtime import metrics
from runtime.application import Application
from runtime.attempts import MAX_ATTEMPTS, Attempts, suspects_apart
from runtime.batch import Batch
from runtime.clock import Clock
from runtime.consumption import RecordSource
from runtime.delivery import RawRecord
from runtime.failpoints import failpoint
from runtime.health import Readiness
from runtime.inbox import Inbox, Positions, is_passed
from runtime.kafka import FatalErrorFlag, FatalKafkaError
from runtime.measures import Measures
from runtime.patience import Patience
from runtime.pipeline import Pipeline
from runtime.postgres import connect, is_away
from runtime.progress import Progress
from runtime.settings import ServiceSettings
from schemas.codec import Codec

log = structlog.get_logger()

__all__ = ["ExactlyOnce", "Progress"]

#: for all waits of a transaction together; below the broker's own limit, which aborts one that takes longer
TRANSACTION_TIMEOUT_S = 8.0
INIT_TRANSACTIONS_TIMEOUT_S = 20.0
#: how long a process that ends waits for the database, so that no record is blamed; below the watchdog's limit
TAKE_BACK_WITHIN_S = 10.0
TRY_AGAIN_AFTER_S = 0.2

Stop = Callable[[], bool]


class ExactlyOnce:
    """Runs one pipeline on one consumer, one transactional producer and one database connection."""

    def __init__(
        self,
        pipeline: Pipeline,
        settings: ServiceSettings,
        *,
        consumer: Consumer,
        producer: Producer | None,
        connection: psycopg.Connection,
        codec: Codec,
        clock: Clock,
        fatal: FatalErrorFlag,
    ) -> None:
        self._pipeline, self._settings = pipeline, settings
        self._producer, self._connection, self._codec = producer, connection, codec
        self._clock, self._fatal = clock, fatal
        self._source = RecordSource(consumer, settings)
        self._application = Application(pipeline, codec, settings.instance)
        self._inbox = Inbox(pipeline.service, settings.instance)
        self._attempts = Attempts(pipeline.service, settings.instance)
        self._measures = Measures(pipeline.service, self._source, connection)
        self._published: list[int] = []
        self._careful_records = 0
        self.progress = Progress()

    def run(self, *, should_stop: Stop, readiness: Readiness) -> None:
        """Consume until told to stop.

        Raises:
            InfrastructureUnavailable, FatalKafkaError, KafkaException, psycopg.Error: the process has to be started
                again.
        """
        self._begin()
        readiness.set_ready()
        patience = Patience(self._settings.patience_s, readiness, should_stop)
        while not should_stop():
            self._check_clients()
            records = self._source.read()
            if records:
                self._take(records, patience)
            else:
                self._note_published()
            self.progress.turned(self._source.reached)
            self._measures.refresh()
        self._note_published()
        with self._connection.transaction():
            self._attempts.end_life(self._connection)

    def _begin(self) -> None:
        self._codec.prepare(self._pipeline.produces)
        if self._producer is not None:
            self._producer.init_transactions(INIT_TRANSACTIONS_TIMEOUT_S)
        with self._connection.transaction():
            ended_cleanly = self._attempts.begin_life(self._connection)
        if not ended_cleanly:
            self._careful_records = 2 * self._settings.batch_size
            log.info("careful_start")
        self._source.subscribe(self._pipeline.consumes, self._settle_steps)

    def _check_clients(self) -> None:
        if self._producer is not None:
            # its errors wait until they are asked for
            self._producer.poll(0)
        self._fatal.check()

    def _settle_steps(self) -> None:
        # what the group has passed is on the topics, even if the process that put it there could not say so
        if not self._pipeline.keeps_inbox:
            return
        with self._connection.transaction():
            steps = self._inbox.unpublished_steps(self._connection)
        committed = self._source.committed({place for positions in steps.values() for place in positions})
        with self._connection.transaction():
            passed = [step for step, positions in steps.items() if is_passed(positions, committed)]
            self._inbox.mark_published(self._connection, passed)

    def _note_published(self) -> None:
        if self._published:
            with self._connection.transaction():
                self._inbox.mark_published(self._connection, self._published)
            self._published = []

    def _take(self, records: Sequence[RawRecord], patience: Patience) -> None:
        if self._careful_records <= 0:
            patience.wait_out(lambda: self._step(records))
            return
        with self._connection.transaction():
            counts = self._attempts.counts(self._connection, records)
        count_of = dict(zip(map(id, records), counts, strict=True))
        for group in suspects_apart(records, counts):
            if patience.should_stop():
                return
            is_poison = count_of[id(group[0])] >= MAX_ATTEMPTS
            patience.wait_out(partial(self._step_carefully, group, is_poison=is_poison))
        self._careful_records -= len(records)

    def _step_carefully(self, group: Sequence[RawRecord], *, is_poison: bool) -> None:
        with self._connection.transaction():
            self._attempts.count_up(self._connection, group)
        try:
            self._step(group, is_poison=is_poison, is_careful=True)
        except Exception as error:
            if is_of_infrastructure(error):
                self._take_back(group)
            raise

    def _take_back(self, group: Sequence[RawRecord]) -> None:
        self.progress.begin()
        with contextlib.suppress(psycopg.Error), self._connection.transaction():
            self._attempts.count_down(self._connection, group)
            return
        # the connection may be what broke, and the database what has to come back
        deadline = time.monotonic() + TAKE_BACK_WITHIN_S
        session = f"{self._pipeline.service}-attempts"
        while time.monotonic() < deadline:
            with (
                contextlib.suppress(psycopg.Error),
                connect(self._settings, role=self._pipeline.service, session=session) as connection,
            ):
                self._attempts.count_down(connection, group)
                return
            time.sleep(TRY_AGAIN_AFTER_S)

    def _step(self, records: Sequence[RawRecord], *, is_poison: bool = False, is_careful: bool = False) -> None:
        name = self._pipeline.service
        positions = {(record.topic, record.partition): record.offset + 1 for record in records}
        self.progress.begin()
        with metrics.BATCH_DURATION.labels(name).time():
            failpoint(f"{name}.before_database")
            batch = self._apply(records, positions, is_poison=is_poison, is_careful=is_careful)
            failpoint(f"{name}.after_commit")
            self._publish(batch, positions)
            failpoint(f"{name}.after_transaction")
        self._published = [] if batch.batch_id is None else [batch.batch_id]
        self.progress.committed()
        self._measures.count(batch, self._clock.now())

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
        if self._producer is None:
            self._source.commit(self._source.offsets(positions))
            return
        over_at = time.monotonic() + TRANSACTION_TIMEOUT_S
        self.progress.publishing(over_at)
        self._producer.begin_transaction()
        self._produce(self._producer, batch)
        # an EndTxn that arrives late may end the transaction at any moment (docs/decisions/0022): offsets must never be
        # in it without the outputs, so these are with the broker before
        if self._producer.flush(_left_until(over_at)):
            raise FatalKafkaError("outputs_not_delivered")
        failpoint(f"{self._pipeline.service}.after_produce")
        offsets = self._source.offsets(positions)
        self._producer.send_offsets_to_transaction(offsets, self._source.group_metadata(), _left_until(over_at))
        failpoint(f"{self._pipeline.service}.after_offsets")
        self._producer.commit_transaction(_left_until(over_at))

    def _produce(self, producer: Producer, batch: Batch) -> None:
        timestamp = int(self._clock.now().timestamp() * 1000)
        for outputs in batch.outputs.values():
            for output in outputs:
                producer.produce(
                    self._settings.topic_prefix + output.topic,
                    key=output.key,
                    value=output.value,
                    headers=list(output.headers),
                    timestamp=timestamp,
                )


def is_of_infrastructure(error: Exception) -> bool:
    """Tell whether an end is known to be no record's fault; every other end counts against the records in hand."""
    return is_away(error) or isinstance(error, FatalKafkaError | KafkaException)


def _left_until(over_at: float) -> float:
    # a negative time would be no limit at all
    return max(0.0, over_at - time.monotonic())
