"""A subscriber that reads every topic with the registry's own deserializer, and remembers everything it saw."""

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from runtime.settings import ServiceSettings
from schemas.topics import TOPICS, TopicAccess
from tests.faults.canary import names_a_patient
from tests.faults.evidence import Record, digest_of
from tests.faults.reading import make_reader
from tests.faults.waiting import end_thread

PUBLIC = frozenset(topic.name for topic in TOPICS if topic.access is TopicAccess.PUBLIC)
POLL_S = 0.1
BATCH = 500


class Oracle:
    """Reads committed records in a thread of its own, from before the first record until after the last."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._prefix = settings.topic_prefix
        self._bootstrap = settings.kafka_bootstrap_servers
        self._read_value = make_reader(settings)
        self._lock = threading.Lock()
        self._records: list[Record] = []
        self._latest: dict[str, Mapping[str, Any]] = {}
        self._sightings: set[str] = set()
        self._positions: dict[tuple[str, int], int] = {}
        self._offsets: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._read, name="oracle", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def latest(self) -> dict[str, Mapping[str, Any]]:
        """Return the last change of every referral that a subscriber knows of."""
        with self._lock:
            return dict(self._latest)

    def count(self, topic: str | None = None) -> int:
        """Return how many records were seen."""
        with self._lock:
            return len(self._records) if topic is None else sum(r.topic == topic for r in self._records)

    def records_of(self, topic: str) -> tuple[Record, ...]:
        """Return what was seen on a topic."""
        with self._lock:
            return tuple(record for record in self._records if record.topic == topic)

    def reached(self, ends: Mapping[tuple[str, int], int]) -> bool:
        """Tell whether everything before these offsets was read."""
        if self._failure is not None:
            raise self._failure
        with self._lock:
            return all(end == 0 or self._positions.get(place, 0) >= end for place, end in ends.items())

    def record_ends(self, ends: Mapping[tuple[str, int], int]) -> dict[tuple[str, int], int]:
        """Return the offset after the last record before each end; markers and aborted records do not count."""
        with self._lock:
            found = {}
            for place, end in ends.items():
                offsets = self._offsets[place]
                before = bisect_left(offsets, end)
                found[place] = offsets[before - 1] + 1 if before else 0
            return found

    def finish(self) -> tuple[tuple[Record, ...], tuple[str, ...]]:
        """Stop reading and return what was seen, and where the canary was."""
        self._stop.set()
        end_thread(self._thread)
        if self._failure is not None:
            raise self._failure
        return tuple(self._records), tuple(sorted(self._sightings))

    def _read(self) -> None:
        try:
            self._read_until_stopped()
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asks
            self._failure = error

    def _read_until_stopped(self) -> None:
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": f"{self._prefix}oracle",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "enable.partition.eof": False,
                "log_level": 0,
                "fetch.wait.max.ms": 50,
            }
        )
        consumer.assign(self._partitions())
        while not self._stop.is_set():
            messages = consumer.consume(BATCH, POLL_S)
            self._keep([message for message in messages if message.error() is None])
            self._note_positions(consumer)
        consumer.close()

    def _partitions(self) -> list[TopicPartition]:
        metadata = AdminClient({"bootstrap.servers": self._bootstrap}).list_topics(timeout=30)
        names = [self._prefix + topic.name for topic in TOPICS]
        return [TopicPartition(name, p, 0) for name in names for p in metadata.topics[name].partitions]

    def _keep(self, messages: list[Message]) -> None:
        for message in messages:
            record = self._record(message)
            with self._lock:
                self._records.append(record)
                self._offsets[record.topic, record.partition].append(record.offset)
                if record.topic == "referral.changed.v1" and record.event_id is not None:
                    referral_id = str(record.values["referral_id"])
                    known = self._latest.get(referral_id)
                    if known is None or known["sequence"] < record.values["sequence"]:
                        self._latest[referral_id] = record.values

    def _note_positions(self, consumer: Consumer) -> None:
        # the position moves past the markers of transactions, which no record tells of
        try:
            positions = consumer.position(consumer.assignment())
        except KafkaException:
            return
        with self._lock:
            for p in positions:
                if p.offset >= 0:
                    self._positions[p.topic.removeprefix(self._prefix), p.partition] = p.offset

    def _record(self, message: Message) -> Record:
        topic, value = (message.topic() or "").removeprefix(self._prefix), message.value()
        values = self._read_value(message.topic() or "", value) if isinstance(value, bytes) else None
        raw_key = message.key()
        key = raw_key.decode("utf-8", "replace") if isinstance(raw_key, bytes) else raw_key
        self._look_for_names(message, topic, is_planted=values is None)
        return Record(
            topic=topic,
            partition=message.partition() or 0,
            offset=message.offset() or 0,
            key=key,
            at=datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC),
            event_id=None if values is None else str(values["event_id"]),
            values=values or {},
            digest=digest_of(value if isinstance(value, bytes) else None),
        )

    def _look_for_names(self, message: Message, topic: str, *, is_planted: bool) -> None:
        headers = message.headers() or []
        parts = {"key": message.key(), "headers": repr(headers)}
        if topic in PUBLIC and not is_planted:
            parts["value"] = message.value()
        for part, content in parts.items():
            if names_a_patient(content):
                self._sightings.add(f"{part} of {topic}")
