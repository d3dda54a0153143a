"""How far every consumer group is, sampled all the time, so that recovery is measured and not guessed."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from confluent_kafka import OFFSET_END, Consumer, KafkaException, TopicPartition

from tests.faults.evidence import Recovery, Standing
from tests.faults.oracle import Oracle
from tests.faults.reading import ANY, COMMITTED, asking_config
from tests.faults.waiting import DEADLINE_S, end_thread

SAMPLE_EVERY_S = 0.3
TIMEOUT_S = 5.0
Place = tuple[str, str, int]  # group, topic, partition; without the deployment's prefix
TopicPlace = tuple[str, int]


@dataclass(frozen=True)
class Sample:
    """One look at all groups."""

    at: datetime
    committed: Mapping[Place, int]
    ends: Mapping[TopicPlace, int]


class Tides:
    """Samples committed offsets and ends of topics in a thread of its own."""

    def __init__(
        self,
        bootstrap: str,
        prefix: str,
        consumed: Mapping[str, Sequence[str]],
        partitions: int,
        oracle: Oracle,
        *,
        patience_s: float = DEADLINE_S,
    ) -> None:
        self._patience_s = patience_s
        self._oracle = oracle
        self._prefix = prefix
        self._consumed = consumed
        self._topics = sorted({topic for topics in consumed.values() for topic in topics})
        self._partitions = range(partitions)
        self._bootstrap = bootstrap
        # plain consumers: the library's admin client ends the process when a node goes that it has asked (librdkafka
        # issues 3663, 4605)
        self._readers = self._new_readers()
        #: kept to the end, as other threads may be asking them
        self._former: list[Consumer] = []
        # who asks for stable offsets only is not answered while a stopped or dead process has a transaction open
        self._members = {group: _asking(bootstrap, prefix + group, ANY) for group in consumed}
        self._samples: list[Sample] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="tides", daemon=True)

    def start(self) -> None:
        """Begin to sample."""
        self._thread.start()

    def stop(self) -> None:
        """End sampling."""
        self._stop.set()
        end_thread(self._thread)
        for consumer in (*self._former, *self._readers.values(), *self._members.values()):
            consumer.close()

    def look(self) -> Sample:
        """Take a sample now.

        Raises:
            KafkaException: the broker does not answer.
        """
        ends = self.ends()
        committed: dict[Place, int] = {}
        for group, topics in self._consumed.items():
            for p in self._members[group].committed(self._places(topics), timeout=TIMEOUT_S):
                committed[group, p.topic.removeprefix(self._prefix), p.partition] = max(0, _offset(p))
        return Sample(datetime.now(UTC), committed, ends)

    def ends(self, isolation: str = COMMITTED) -> dict[TopicPlace, int]:
        """Return the end of every partition, as far as committed or at all.

        Raises:
            KafkaException: the broker does not answer.
        """
        found = self._readers[isolation].offsets_for_times(self._places(self._topics, OFFSET_END), timeout=TIMEOUT_S)
        return {(p.topic.removeprefix(self._prefix), p.partition): _offset(p) for p in found}

    def hanging(self) -> tuple[str, ...]:
        """Return the partitions that end in a transaction nobody ended."""
        stable, all_records = self.ends(), self.ends(ANY)
        return tuple(f"{t}/{p}" for (t, p), end in sorted(all_records.items()) if stable[t, p] < end)

    def standings(self) -> tuple[Standing, ...]:
        """Return how every group stands now."""
        sample = self.look()
        goal = self._oracle.record_ends(sample.ends)
        return tuple(
            Standing(group, topic, p, sample.committed.get((group, topic, p), 0), goal[topic, p])
            for group, topics in self._consumed.items()
            for topic in topics
            for p in self._partitions
        )

    def is_level(self) -> bool:
        """Tell whether nothing waits."""
        try:
            ends = self.ends()
            return self._oracle.reached(ends) and all(s.committed >= s.end for s in self.standings())
        except KafkaException:
            return False

    def recovery(self, fault: str, ended_at: datetime) -> Recovery:
        """Wait until everything that was there when a fault ended is worked off; how long it took is judged later."""
        deadline = time.monotonic() + self._patience_s
        while time.monotonic() < deadline:
            found = self.recovery_so_far(fault, ended_at)
            if found.seconds is not None:
                return found
            time.sleep(SAMPLE_EVERY_S / 2)
        return Recovery(fault, ended_at, None)

    def recovery_so_far(self, fault: str, ended_at: datetime) -> Recovery:
        """Return how long it took after a fault until everything that was there then was worked off."""
        with self._lock:
            later = [sample for sample in self._samples if sample.at >= ended_at]
        if not later:
            return Recovery(fault, ended_at, None)
        if not self._oracle.reached(later[0].ends):
            return Recovery(fault, ended_at, None)
        goal = self._oracle.record_ends(later[0].ends)
        for sample in later:
            if self._has_reached(sample, goal):
                return Recovery(fault, ended_at, round((sample.at - ended_at).total_seconds(), 2))
        return Recovery(fault, ended_at, None)

    def _has_reached(self, sample: Sample, goal: Mapping[TopicPlace, int]) -> bool:
        return all(
            sample.committed.get((group, topic, p), 0) >= goal[topic, p]
            for group, topics in self._consumed.items()
            for topic in topics
            for p in self._partitions
        )

    def _new_readers(self) -> dict[str, Consumer]:
        group = f"{self._prefix}tides"
        return {isolation: _asking(self._bootstrap, group, isolation) for isolation in (COMMITTED, ANY)}

    def _places(self, topics: Sequence[str], offset: int = 0) -> list[TopicPartition]:
        return [TopicPartition(self._prefix + topic, p, offset) for topic in topics for p in self._partitions]

    def _watch(self) -> None:
        while not self._stop.wait(SAMPLE_EVERY_S):
            try:
                sample = self.look()
            except KafkaException:
                # a client that knew who led before a broker died does not ask who leads now
                self._former += self._readers.values()
                self._readers = self._new_readers()
                continue
            with self._lock:
                self._samples.append(sample)


def _asking(bootstrap: str, group: str, isolation: str) -> Consumer:
    return Consumer(asking_config(bootstrap, group, isolation))


def _offset(place: TopicPartition) -> int:
    if place.error is not None:
        raise KafkaException(place.error)
    return int(place.offset)
