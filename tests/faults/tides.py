"""How far every consumer group is, sampled all the time, so that recovery is measured and not guessed."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from confluent_kafka import ConsumerGroupTopicPartitions, IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # exported, not declared

from tests.faults.evidence import Recovery, Standing
from tests.faults.oracle import Oracle

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
        self, bootstrap: str, prefix: str, consumed: Mapping[str, Sequence[str]], partitions: int, oracle: Oracle
    ) -> None:
        self._bootstrap = bootstrap
        self._admin = self._new_admin()
        #: kept to the end: the library was seen to crash when a client goes whose questions a dead broker has
        self._former: list[AdminClient] = []
        self._oracle = oracle
        self._prefix = prefix
        self._consumed = consumed
        self._topics = sorted({topic for topics in consumed.values() for topic in topics})
        self._partitions = range(partitions)
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
        self._thread.join(15)

    def look(self) -> Sample:
        """Take a sample now.

        Raises:
            KafkaException: the broker does not answer.
        """
        ends = self.ends()
        committed: dict[Place, int] = {}
        for group in self._consumed:
            request = [ConsumerGroupTopicPartitions(self._prefix + group)]
            answer = self._admin.list_consumer_group_offsets(request, request_timeout=TIMEOUT_S)
            for p in answer[self._prefix + group].result(TIMEOUT_S).topic_partitions or ():
                committed[group, p.topic.removeprefix(self._prefix), p.partition] = max(0, p.offset)
        return Sample(datetime.now(UTC), committed, ends)

    def ends(self, isolation: IsolationLevel = IsolationLevel.READ_COMMITTED) -> dict[TopicPlace, int]:
        """Return the end of every partition, as far as committed or at all."""
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        wanted = {TopicPartition(self._prefix + t, p): latest for t in self._topics for p in self._partitions}
        answer = self._admin.list_offsets(wanted, isolation_level=isolation, request_timeout=TIMEOUT_S)
        return {
            (place.topic.removeprefix(self._prefix), place.partition): found.result(TIMEOUT_S).offset
            for place, found in answer.items()
        }

    def hanging(self) -> tuple[str, ...]:
        """Return the partitions that end in a transaction nobody ended."""
        stable, all_records = self.ends(), self.ends(IsolationLevel.READ_UNCOMMITTED)
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

    def recovery(self, fault: str, ended_at: datetime, *, within_s: float = 45.0) -> Recovery:
        """Wait until everything that was there when a fault ended is worked off."""
        deadline = time.monotonic() + within_s
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

    def _new_admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self._bootstrap, "client.id": "faults-tides", "log_level": 0})

    def _watch(self) -> None:
        while not self._stop.wait(SAMPLE_EVERY_S):
            try:
                sample = self.look()
            except (KafkaException, TimeoutError):
                # a client that knew the broker before it died may never ask who leads now
                self._former.append(self._admin)
                self._admin = self._new_admin()
                continue
            with self._lock:
                self._samples.append(sample)
