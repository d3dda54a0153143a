"""How fast a consumer group works off a topic, seen from outside by its committed offsets."""

import time

from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient

LOOK_EVERY_S = 0.05
#: the first and last tenth of the records are start and end of the run, not its speed
MARGIN = 0.1


class Stalled(Exception):
    """A consumer group did not finish in time."""


def committed(admin: AdminClient, group: str) -> int:
    """Return how many records a group has committed, over all partitions."""
    request = [ConsumerGroupTopicPartitions(group)]
    answer = admin.list_consumer_group_offsets(request, request_timeout=10)[group].result()
    return sum(max(0, partition.offset) for partition in answer.topic_partitions or ())


def rate_of(admin: AdminClient, group: str, *, records: int, within_s: float) -> float:
    """Watch a group until it has committed `records` and return its records per second between the margins.

    Raises:
        Stalled: it did not get there in time.
    """
    points: list[tuple[float, int]] = []
    deadline = time.monotonic() + within_s
    while True:
        try:
            count = committed(admin, group)
        except Exception:  # noqa: BLE001 - the group does not exist before its first commit
            count = 0
        points.append((time.monotonic(), count))
        if count >= records:
            return slope(points, records)
        if time.monotonic() > deadline:
            raise Stalled(f"{group}: {count} of {records}")
        time.sleep(LOOK_EVERY_S)


def slope(points: list[tuple[float, int]], records: int) -> float:
    """Return records per second between the first point past the lower margin and the first past the upper one."""
    low = next(p for p in points if p[1] >= records * MARGIN)
    high = next(p for p in points if p[1] >= records * (1 - MARGIN))
    if high[1] == low[1]:
        low, high = points[0], points[-1]
    return (high[1] - low[1]) / max(high[0] - low[0], 1e-9)
