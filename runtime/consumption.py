"""Read raw records of a pipeline's topics and move its offsets, of those partitions alone that are its own."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from runtime.delivery import RawRecord
from runtime.kafka import FatalKafkaError
from runtime.progress import Place
from runtime.settings import ServiceSettings
from schemas.event import Event

log = structlog.get_logger()

COMMITTED_TIMEOUT_S = 10.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST_MS = (datetime(9999, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)
#: what passes by itself; anything else ends the process, as skipping errors could skip the one that ends consumption
PASSING_ERRORS = frozenset(
    {
        KafkaError._PARTITION_EOF,
        KafkaError._TRANSPORT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
        KafkaError.REBALANCE_IN_PROGRESS,
    }
)


class RecordSource:
    """The consumer of one pipeline, in terms of topics without prefix."""

    def __init__(self, consumer: Consumer, settings: ServiceSettings) -> None:
        self._consumer = consumer
        #: the offset that reading has reached in each own partition
        self.reached: dict[Place, int] = {}
        self._prefix = settings.topic_prefix
        self._batch_size, self._wait_s = settings.batch_size, settings.batch_wait_ms / 1000
        self._failure: Exception | None = None

    def subscribe(self, events: Iterable[type[Event]], on_assigned: Callable[[], None]) -> None:
        """Join the group; `on_assigned` is called whenever partitions came, before their records are read."""

        def assigned(_consumer: Consumer, partitions: list[TopicPartition]) -> None:
            log.info("partitions_assigned", count=len(partitions))
            try:
                self._take_over([(self._bare(p.topic), p.partition) for p in partitions], on_assigned)
            except Exception as error:  # noqa: BLE001 - the client raises its own errors out of here as no exception
                self._failure = error

        self._consumer.subscribe([self._prefix + event.schema_name for event in events], on_assign=assigned)

    def read(self) -> list[RawRecord]:
        """Return the next records, at most a batch; none when nothing came in time.

        Raises:
            FatalKafkaError, KafkaException, psycopg.Error: the consumer can not go on.
        """
        messages = self._consumer.consume(self._batch_size, self._wait_s)
        if self._failure is not None:
            raise self._failure
        if not messages:
            return []
        # the call above may have taken partitions away whose records it returns all the same
        mine = self._assigned()
        records = [record for record in self._records(messages) if (record.topic, record.partition) in mine]
        self.reached = {place: offset for place, offset in self.reached.items() if place in mine}
        return records

    def committed(self, places: Iterable[Place]) -> dict[Place, int]:
        """Return the offsets that the group has committed, where there are any."""
        asked = [TopicPartition(self._prefix + topic, partition) for topic, partition in places]
        if not asked:
            return {}
        answers = self._consumer.committed(asked, timeout=COMMITTED_TIMEOUT_S)
        return {(self._bare(p.topic), p.partition): p.offset for p in answers if p.offset >= 0}

    def offsets(self, positions: Mapping[Place, int]) -> list[TopicPartition]:
        """Return positions as the client wants them, just before they are committed.

        Raises:
            FatalKafkaError: a partition went to another instance; under the new generation its offset is not ours.
        """
        if not positions.keys() <= self._assigned():
            raise FatalKafkaError("partition_lost")
        return [
            TopicPartition(self._prefix + topic, partition, offset) for (topic, partition), offset in positions.items()
        ]

    def commit(self, offsets: Sequence[TopicPartition]) -> None:
        """Commit offsets outside a transaction.

        Raises:
            FatalKafkaError, KafkaException: not all of them are committed.
        """
        for answer in self._consumer.commit(offsets=list(offsets), asynchronous=False) or ():
            if answer.error is not None:
                raise FatalKafkaError(answer.error.name())

    def group_metadata(self) -> Any:
        """Return what proves to the broker that this member may commit."""
        return self._consumer.consumer_group_metadata()

    def lag(self) -> int:
        """Return how many records wait in the own partitions, as far as the client knows without asking."""
        lag = 0
        for (topic, partition), offset in self.reached.items():
            place = TopicPartition(self._prefix + topic, partition)
            with contextlib.suppress(KafkaException):
                _, high = self._consumer.get_watermark_offsets(place, cached=True)
                lag += max(0, high - offset)
        return lag

    def _take_over(self, places: Sequence[Place], on_assigned: Callable[[], None]) -> None:
        self.reached |= dict.fromkeys(places, 0) | self.committed(places)
        if places:
            on_assigned()

    def _assigned(self) -> set[Place]:
        return {(self._bare(p.topic), p.partition) for p in self._consumer.assignment()}

    def _records(self, messages: Iterable[Message]) -> Iterator[RawRecord]:
        # in the order of the client: what it says last of a partition is where reading stands, also where that is
        # further back than before, as after an assignment
        for message in messages:
            error = message.error()
            if error is not None:
                self._judge(message, error)
                continue
            record = record_of(message, topic=self._bare(message.topic() or ""))
            self.reached[record.topic, record.partition] = record.offset + 1
            yield record

    def _judge(self, message: Message, error: KafkaError) -> None:
        if error.fatal() or error.code() not in PASSING_ERRORS:
            raise FatalKafkaError(error.name())
        if error.code() == KafkaError._PARTITION_EOF:
            # beyond the last record there may be marks of transactions, which are read past unseen
            self.reached[self._bare(message.topic() or ""), message.partition() or 0] = message.offset() or 0
        else:
            log.warning("kafka_error", code=error.name(), is_fatal=False)

    def _bare(self, topic: str) -> str:
        return topic.removeprefix(self._prefix)


def record_of(message: Message, *, topic: str) -> RawRecord:
    """Return a message without its error as a record of a topic, which is named without prefix."""
    return RawRecord(
        topic=topic,
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        key=_bytes(message.key()),
        value=_bytes(message.value()),
        headers=tuple([(name, value or b"") for name, value in _headers(message)]),
        recorded_at=instant_of(message.timestamp()[1]),
    )


def instant_of(milliseconds: int) -> datetime:
    """Return a record's timestamp; one that no calendar holds becomes the nearest that any does."""
    return EPOCH + timedelta(milliseconds=min(max(milliseconds, 0), LATEST_MS))


def _headers(message: Message) -> Iterable[tuple[str, Any]]:
    headers = message.headers() or ()
    return headers.items() if isinstance(headers, dict) else headers


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
