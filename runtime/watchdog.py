"""End a process that has work and does none, so that the supervisor starts it again."""

import os
import threading
import time
from collections.abc import Callable, Mapping

import structlog
from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from runtime.failpoints import EXIT_INTERNAL
from runtime.kafka import make_admin
from runtime.progress import Place, Progress
from runtime.settings import ServiceSettings

log = structlog.get_logger()
LOOK_EVERY_S = 2.0
ASK_TIMEOUT_S = 5.0


class Watchdog:
    """Judge progress: what is in hand for too long, a loop that stands, or unread records without a commit."""

    def __init__(self, progress: Progress, *, limit_s: float, lag: Callable[[], int]) -> None:
        self._progress = progress
        self._limit_s = limit_s
        self._lag = lag

    def verdict(self, now: float) -> str | None:
        """Return why the process should end, or None; `now` is monotonic seconds."""
        progress = self._progress
        busy_since, turned_at, over_at = progress.busy_since, progress.turned_at, progress.over_at
        if over_at is not None and now > over_at:
            # the client library does not keep its own limit when the coordinator moves while offsets are sent
            return "transaction_hangs"
        if busy_since is not None:
            return "batch_hangs" if now - busy_since > self._limit_s else None
        if turned_at is None:
            return None
        if now - turned_at > self._limit_s:
            return "loop_hangs"
        if now - self._progress.committed_at <= self._limit_s:
            return None
        return "lag_without_commit" if self._lag() > 0 else None


class BrokerLag:
    """Ask the broker how much is unread; with a client of its own, as the loop holds the consumer while it reads."""

    def __init__(self, settings: ServiceSettings, progress: Progress) -> None:
        self._settings, self._progress = settings, progress
        self._admin: AdminClient | None = None

    def __call__(self) -> int:
        """Return how many committed records lie beyond what was read; none while the broker can not be asked."""
        reached = self._progress.reached
        ends = self._ends(reached)
        return sum(max(0, ends.get(place, 0) - offset) for place, offset in reached.items())

    def _ends(self, places: Mapping[Place, int]) -> Mapping[Place, int]:
        if not places:
            return {}
        if self._admin is None:
            self._admin = make_admin(self._settings.kafka_bootstrap_servers)
        prefix = self._settings.topic_prefix
        # the client library leaves this call without types
        wanted = {TopicPartition(prefix + t, p): OffsetSpec.latest() for t, p in places}  # type: ignore[no-untyped-call]
        answers = self._admin.list_offsets(
            wanted, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=ASK_TIMEOUT_S
        )
        try:
            return {(a.topic.removeprefix(prefix), a.partition): f.result().offset for a, f in answers.items()}
        except KafkaException:
            return {}


def start_watchdog(watchdog: Watchdog) -> None:
    """Watch from a daemon thread; exit the process when the verdict stands twice in a row."""

    def watch() -> None:
        complaints = 0
        while True:
            time.sleep(LOOK_EVERY_S)
            reason = watchdog.verdict(time.monotonic())
            complaints = complaints + 1 if reason else 0
            if complaints >= 2:
                log.error("watchdog_exit", reason=reason)
                os._exit(EXIT_INTERNAL)

    threading.Thread(target=watch, name="watchdog", daemon=True).start()
