"""Fire due clocks: `python -m services.sla.firing`; any number of instances may run.

The clocks stay locked while their signals go to the broker, and are marked fired when it has them. A crash in between
sends the same signals again, with the same ids, and the stager's inbox drops the repeats.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NoReturn, Protocol

import psycopg
import structlog
from confluent_kafka import KafkaException

from runtime import metrics
from runtime.clock import Clock, clock_of
from runtime.failpoints import EXIT_INTERNAL, failpoint
from runtime.health import Readiness
from runtime.kafka import PublishFailed, make_publisher
from runtime.postgres import connect
from runtime.process import begin_process, end_at_once, spare_the_collector
from runtime.progress import Progress
from runtime.registry import make_codec
from runtime.settings import load_settings
from runtime.stopping import StopRequest, stop_on_signals
from runtime.watchdog import Watchdog, start_watchdog
from schemas.event import Event
from services.sla import store
from services.sla.rules.clocks import SlaClock, signal_of
from services.sla.settings import FiringSettings

SERVICE = "sla-firing"
ROLE = "sla"
COUNT_EVERY_S = 30.0
RETRY_AFTER_S = 1.0
#: the broker is away for longer than a short wait: the successor starts with fresh connections
MAX_FAILURES = 3

log = structlog.get_logger()


class Signals(Protocol):
    """Where signals go."""

    def publish_all(self, events: Sequence[Event], at: datetime) -> None:
        """Publish signals in order and wait until they are durable."""


class Firing:
    """Fires due clocks on one connection."""

    def __init__(self, connection: psycopg.Connection, publisher: Signals, clock: Clock, *, limit: int) -> None:
        self._connection = connection
        self._publisher = publisher
        self._clock = clock
        self._limit = limit

    def fire_due(self) -> int:
        """Fire what is due, at most `limit` clocks, and return their number.

        Raises:
            PublishFailed: the broker did not confirm; nothing is marked, so the same signals go out again.
        """
        with self._connection.transaction():
            now = self._clock.now()
            due = store.lock_due(self._connection, now=now, limit=self._limit)
            if due:
                self._publisher.publish_all([signal_of(clock, fired_at=now) for clock in due], now)
                failpoint("firing.after_produce")
                store.mark_fired(self._connection, due, at=now)
                failpoint("firing.before_commit")
        self._measure(due)
        return len(due)

    def count_armed(self) -> None:
        """Set the gauge of clocks that can still fire."""
        with self._connection.transaction():
            metrics.ARMED_CLOCKS.set(store.count_armed(self._connection))

    def _measure(self, fired: Sequence[SlaClock]) -> None:
        now = self._clock.now()
        for clock in fired:
            metrics.FIRING_LAG.labels(clock.kind).observe(max(0.0, (now - clock.fires_at).total_seconds()))


def fire_until(
    firing: Firing,
    progress: Progress,
    stop: StopRequest,
    *,
    limit: int,
    pause_s: float,
    on_ready: Callable[[], None],
) -> None:
    """Fire what is due again and again until told to stop; a full scan is followed by the next at once.

    Raises:
        PublishFailed: the broker stayed away.
    """
    failures, counted_at = 0, float("-inf")
    spare_the_collector()
    while not stop.is_set():
        progress.begin()
        try:
            fired = firing.fire_due()
        except PublishFailed:
            failures += 1
            log.warning("signals_not_confirmed", failures=failures)
            if failures >= MAX_FAILURES:
                raise
            stop.wait(RETRY_AFTER_S)
            continue
        failures = 0
        if time.monotonic() - counted_at > COUNT_EVERY_S:
            firing.count_armed()
            counted_at = time.monotonic()
        progress.committed()
        on_ready()
        if fired < limit:
            stop.wait(pause_s)


def main() -> NoReturn:
    """Run the firing as this process until it is told to stop or has to be started again."""
    settings = load_settings(FiringSettings)
    stop = stop_on_signals()
    readiness = begin_process(settings, service=SERVICE)
    try:
        _run(settings, stop, readiness)
    except (PublishFailed, KafkaException, psycopg.Error) as error:
        log.error("process_ends", error=error)
        end_at_once(EXIT_INTERNAL)
    except Exception as error:  # noqa: BLE001 - told by its kind and place; the supervisor starts the successor
        log.error("process_ends_unexpectedly", error=error)
        end_at_once(EXIT_INTERNAL)
    log.info("stopped")
    end_at_once(0)


def _run(settings: FiringSettings, stop: StopRequest, readiness: Readiness) -> None:
    firing = Firing(
        connect(settings, role=ROLE, session=SERVICE),
        make_publisher(settings, make_codec(settings), source=SERVICE),
        clock_of(settings.clock),
        limit=settings.sla_fire_limit,
    )
    progress = Progress()
    start_watchdog(Watchdog(progress, limit_s=settings.watchdog_s, lag=lambda: 0))
    log.info("started")
    fire_until(
        firing,
        progress,
        stop,
        limit=settings.sla_fire_limit,
        pause_s=settings.sla_scan_ms / 1000,
        on_ready=readiness.set_ready,
    )


if __name__ == "__main__":
    main()
