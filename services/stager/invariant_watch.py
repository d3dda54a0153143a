"""Keep the live gauge of R4: what open referrals lack of owner, due time and open task."""

import threading

import psycopg
import structlog

from runtime import metrics
from runtime.postgres import connect
from services.stager import store
from services.stager.settings import StagerSettings

log = structlog.get_logger()


def start_invariant_watch(settings: StagerSettings, *, stop: threading.Event | None = None) -> threading.Thread:
    """Count violations every so often in a daemon thread with a connection of its own."""
    thread = threading.Thread(
        target=_watch, args=(settings, stop or threading.Event()), name="invariant-watch", daemon=True
    )
    thread.start()
    return thread


def _watch(settings: StagerSettings, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            with connect(settings, role="stager", session="stager-watch") as connection:
                _count_until(stop, connection, every_s=settings.invariant_every_s)
        except psycopg.Error as error:
            # an old figure would look like a good one
            metrics.INVARIANT_VIOLATIONS.set(float("nan"))
            log.warning("invariant_not_counted", code=error.sqlstate)
            stop.wait(settings.invariant_every_s)


def _count_until(stop: threading.Event, connection: psycopg.Connection, *, every_s: float) -> None:
    while not stop.is_set():
        with connection.transaction():
            count = store.count_violations(connection)
        metrics.INVARIANT_VIOLATIONS.set(count)
        if count:
            log.error("invariant_violated", count=count)
        stop.wait(every_s)
