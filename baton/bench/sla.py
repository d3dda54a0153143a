"""How late clocks fire while many are open, and how fast a crowd that is due at one instant is fired."""

import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import psycopg

from baton.bench.figures import Figures, compared, percentile
from runtime.clock import Clock, clock_of
from runtime.kafka import Publisher, make_publisher
from runtime.postgres import connect
from runtime.progress import Progress
from runtime.registry import make_codec
from runtime.settings import ServiceSettings
from runtime.stopping import StopRequest
from schemas.event import Event
from schemas.events import SlaSignalled
from schemas.ids import queue_of
from schemas.vocabulary import SignalKind, Stage, Team
from services.sla.firing import ROLE, Firing, fire_until
from services.sla.rules.clocks import signal_id_of

NETWORK, CLINIC = "riverside", "harbor"
#: clocks that come due one after another while the lag is measured
STEADY = 4_000
STEADY_FOR = timedelta(seconds=20)
CROWD = 50_000
ONE_BY_ONE = 500
LIMIT = 5_000
SCAN_S = 0.2
AHEAD = timedelta(seconds=2)
WITHIN_S = 120.0


class TimedPublisher:
    """The real publisher, which also notes how late the broker had each signal."""

    def __init__(self, publisher: Publisher, clock: Clock) -> None:
        self._publisher = publisher
        self._clock = clock
        self.lags_s: list[float] = []

    def publish_all(self, events: Sequence[Event], at: datetime, traceparent: str | None = None) -> None:
        """Publish and note the time since each signal was due."""
        self._publisher.publish_all(events, at, traceparent)
        now = self._clock.now()
        self.lags_s += [(now - e.fires_at).total_seconds() for e in events if isinstance(e, SlaSignalled)]


def bench_sla(settings: ServiceSettings, *, clocks: int) -> Sequence[Figures]:
    """Measure the lag of a steady flow and the time for a crowd, both beside so many open clocks."""
    clock = clock_of("")
    with psycopg.connect(settings.database_url) as owner:
        _load(owner, "open", (clock.now() + timedelta(days=30 + n % 300) for n in range(clocks)))
        owner.execute("ANALYZE sla.clock")
        owner.commit()
        owner.autocommit = True
        return (_steady(settings, clock, owner, clocks), _crowd(settings, clock, owner, clocks))


def _steady(settings: ServiceSettings, clock: Clock, owner: psycopg.Connection, clocks: int) -> Figures:
    start = clock.now() + AHEAD
    _load(owner, "steady", (start + STEADY_FOR * (n / STEADY) for n in range(STEADY)))
    lags = _fire(settings, clock, STEADY, limit=LIMIT).lags_s
    return Figures(
        bench="sla lag",
        records=STEADY,
        p50_ms=round(percentile(lags, 0.5) * 1000, 1),
        p99_ms=round(percentile(lags, 0.99) * 1000, 1),
        note=f"{clocks} open clocks; earliest {min(lags) * 1000:.1f} ms after its time",
    )


def _crowd(settings: ServiceSettings, clock: Clock, owner: psycopg.Connection, clocks: int) -> Figures:
    _load(owner, "single", (clock.now() for _ in range(ONE_BY_ONE)))
    began = time.monotonic()
    _fire(settings, clock, ONE_BY_ONE, limit=1)
    baseline_s = time.monotonic() - began
    at = clock.now() + timedelta(seconds=5)
    _load(owner, "crowd", (at for _ in range(CROWD)))
    lags = _fire(settings, clock, CROWD, limit=LIMIT).lags_s
    figures = compared(
        bench="sla crowd",
        records=CROWD,
        rate_per_s=CROWD / max(lags),
        baseline="a transaction for each signal",
        baseline_per_s=ONE_BY_ONE / baseline_s,
    )
    return Figures(**{**vars(figures), "note": f"all fired {max(lags):.2f} s after their time, {clocks} open clocks"})


def _fire(settings: ServiceSettings, clock: Clock, count: int, *, limit: int) -> TimedPublisher:
    connection = connect(settings, role=ROLE)
    timed = TimedPublisher(make_publisher(settings, make_codec(settings), source="bench"), clock)
    firing = Firing(connection, timed, clock, limit=limit)
    stop = StopRequest()
    deadline = time.monotonic() + WITHIN_S

    def stop_when_all_fired() -> None:
        if len(timed.lags_s) >= count or time.monotonic() > deadline:
            stop.set()

    fire_until(firing, Progress(), stop, limit=limit, pause_s=SCAN_S, on_ready=stop_when_all_fired)
    connection.close()
    if len(timed.lags_s) != count:
        raise TimeoutError(f"{len(timed.lags_s)} of {count} fired")
    return timed


def _load(owner: psycopg.Connection, name: str, instants: Iterator[datetime]) -> None:
    queue = queue_of(NETWORK, CLINIC, Team.ELIGIBILITY)
    columns = (
        "network_id, referral_id, stage_entry, kind, clinic_id, stage, owner_queue, fires_at, due_at, state,"
        " round, is_heard, signal_id, sequence"
    )
    kind = SignalKind.BREACH
    with owner.cursor() as cursor, cursor.copy(f"COPY sla.clock ({columns}) FROM STDIN") as copy:
        for number, at in enumerate(instants):
            referral_id = f"{name}-{number}"
            signal_id = signal_id_of(referral_id, 1, kind)
            copy.write_row(
                (
                    NETWORK,
                    referral_id,
                    1,
                    kind,
                    CLINIC,
                    Stage.ELIGIBILITY,
                    queue,
                    at,
                    at,
                    "armed",
                    0,
                    False,
                    signal_id,
                    1,
                )
            )
