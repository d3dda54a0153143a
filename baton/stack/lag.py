"""How many records each consumer group still has to read."""

import socket
import time
from collections.abc import Iterable, Mapping

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

TIMEOUT_S = 5.0
REACHABLE_WITHIN_S = 1.0
#: A commit mark of a transaction takes an offset too: a small distance may be nothing but such marks.
MAY_BE_MARKS = 4
Place = tuple[str, int]


def lags(bootstrap_servers: str, groups: Iterable[str]) -> dict[str, int | None]:
    """Count the unread records of each group; None for one that has never been seen, and for all without a broker."""
    if not _is_reachable(bootstrap_servers):
        # the client library aborts the process when it is closed over unanswered requests
        return dict.fromkeys(groups)
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    positions = {group: _positions(admin, group) for group in groups}
    everywhere = {place for places in positions.values() for place in places}
    # The client library leaves these two without types.
    ends = _offsets(admin, everywhere, OffsetSpec.latest())  # type: ignore[no-untyped-call]
    starts = _offsets(admin, everywhere, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
    return {
        group: _distance(bootstrap_servers, places, starts, ends) if places else None
        for group, places in positions.items()
    }


def _is_reachable(bootstrap_servers: str) -> bool:
    for server in bootstrap_servers.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=REACHABLE_WITHIN_S):
                return True
        except (OSError, ValueError):
            continue
    return False


def _distance(
    bootstrap_servers: str,
    places: Mapping[Place, int],
    starts: Mapping[Place, int],
    ends: Mapping[Place, int],
) -> int:
    read_to = {place: max(offset, starts.get(place, 0)) for place, offset in places.items()}
    unread = {place: max(0, ends.get(place, 0) - offset) for place, offset in read_to.items()}
    doubtful = {place: read_to[place] for place, count in unread.items() if 0 < count <= MAY_BE_MARKS}
    marks = _only_marks(bootstrap_servers, doubtful)
    return sum(count for place, count in unread.items() if place not in marks)


def _positions(admin: AdminClient, group: str) -> dict[Place, int]:
    """Find the offset each partition of a group was read to; -1 where nothing was committed yet."""
    places: dict[Place, int] = {}
    try:
        described = admin.describe_consumer_groups([group], request_timeout=TIMEOUT_S)[group].result()
        for member in described.members:
            places |= {(p.topic, p.partition): -1 for p in member.assignment.topic_partitions}
        asked = [ConsumerGroupTopicPartitions(group)]
        committed = admin.list_consumer_group_offsets(asked, request_timeout=TIMEOUT_S)[group].result()
    except KafkaException:
        return places
    return places | {(p.topic, p.partition): p.offset for p in committed.topic_partitions if p.offset >= 0}


def _offsets(admin: AdminClient, places: Iterable[Place], which: OffsetSpec) -> dict[Place, int]:
    asked = {TopicPartition(topic, partition): which for topic, partition in places}
    if not asked:
        return {}
    futures = admin.list_offsets(asked, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=TIMEOUT_S)
    found: dict[Place, int] = {}
    for place, future in futures.items():
        try:
            found[(place.topic, place.partition)] = future.result().offset
        except KafkaException:
            continue
    return found


def _only_marks(bootstrap_servers: str, places: Mapping[Place, int]) -> set[Place]:
    """Find the places after which no record comes any more."""
    if not places:
        return set()
    reader = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "baton-ps",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "log_level": 0,
        }
    )
    try:
        reader.assign([TopicPartition(topic, number, offset) for (topic, number), offset in places.items()])
        return _ends_without_record(reader, set(places))
    finally:
        reader.close()


def _ends_without_record(reader: Consumer, places: set[Place]) -> set[Place]:
    undecided, ended = set(places), set()
    deadline = time.monotonic() + TIMEOUT_S
    while undecided and time.monotonic() < deadline:
        message = reader.poll(0.1)
        if message is None:
            continue
        place = (message.topic(), message.partition())
        error = message.error()
        if place in undecided and error is not None and error.code() == KafkaError._PARTITION_EOF:
            ended.add(place)
        undecided.discard(place)
    return ended
