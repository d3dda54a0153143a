"""What the windows do with signals: remember them, and tell once a second what is over."""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from runtime import metrics
from runtime.clock import Clock
from schemas.events import NoticeRequested, SlaSignalled
from schemas.vocabulary import SignalKind
from services.sla.rules.bundling import TakenSignal, notices_of, take
from services.sla.rules.storms import StormRule, watch
from services.sla.rules.windows import WEEK, window_start
from services.sla.windows.changelogs import Table
from services.sla.windows.memory import (
    STORM_PARTITION,
    FactTable,
    Place,
    place_of,
    signal_of_row,
    signal_row,
    storm_of_row,
    storm_row,
)

Send = Callable[[Sequence[NoticeRequested], datetime], Awaitable[None]]
#: a storm is remembered for so long after its end, so that breaches told late do not raise it again
STORM_MEMORY = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowRule:
    """How signals are bundled and when breaches are a storm."""

    length: timedelta
    grace: timedelta
    storm: StormRule

    @property
    def memory(self) -> timedelta:
        """How long a breach can be part of a storm."""
        return self.storm.length + self.storm.hop + self.grace


class Room:
    """Takes signals and sends notices; the tables are its only memory."""

    def __init__(self, rule: WindowRule, clock: Clock, send: Send, tables: Mapping[Table, FactTable]) -> None:
        self._rule, self._clock, self._send = rule, clock, send
        self._untold, self._breaches = tables[Table.UNTOLD], tables[Table.BREACHES]
        self._storms, self._weeks = tables[Table.STORMS], tables[Table.WEEKS]
        #: places with breaches that were not judged yet; None for all, as after a start
        self._unjudged: set[Place] | None = None

    async def take(self, event: SlaSignalled, *, partition: int) -> None:
        """Remember a signal until its window is over, and a breach for as long as it can be part of a storm.

        Raises:
            ValueError: its queue belongs to no team.
        """
        signal = take(event)
        if self._untold.get(signal.signal_id) is None:
            await self._count(signal, partition)
        over_at = window_start(signal.fires_at, self._rule.length) + self._rule.length + self._rule.grace
        await self._untold.put(signal.signal_id, signal_row(signal, until=over_at), partition=partition)
        if signal.kind is SignalKind.BREACH:
            row = signal_row(signal, until=max(signal.fires_at, self._clock.now()) + self._rule.memory)
            await self._breaches.put(signal.signal_id, row, partition=partition)
            if self._unjudged is not None:
                self._unjudged.add(place_of(row))

    async def tell(self) -> None:
        """Send the notices of windows that are over and the escalations of new storms, then forget what is told."""
        now = self._clock.now()
        await self._tell_windows(now)
        await self._tell_storms(now)
        await self._breaches.forget(_past(self._breaches, now))
        await self._storms.forget(
            key for key, row in self._storms.items() if storm_of_row(row).until + STORM_MEMORY < now
        )
        await self._weeks.forget(_past(self._weeks, now))
        self._show_week(now)

    async def _tell_windows(self, now: datetime) -> None:
        over = [signal_of_row(key, row) for key in _past(self._untold, now) if (row := self._untold.get(key))]
        if over:
            await self._send(notices_of(over, window=self._rule.length), now)
            await self._untold.forget(signal.signal_id for signal in over)
            metrics.WINDOW_SIGNALS.labels("told").inc(len(over))

    async def _tell_storms(self, now: datetime) -> None:
        if self._unjudged == set():
            return
        places: dict[Place, list[TakenSignal]] = defaultdict(list)
        for key, row in self._breaches.items():
            if self._unjudged is None or place_of(row) in self._unjudged:
                places[place_of(row)].append(signal_of_row(key, row))
        self._unjudged = set()
        for place, breaches in places.items():
            await self._judge(place, breaches, now)

    async def _judge(self, place: Place, breaches: Sequence[TakenSignal], now: datetime) -> None:
        key = "|".join(place)
        known = self._storms.get(key)
        before = storm_of_row(known) if known else None
        storm, escalations = watch(self._rule.storm, before, breaches)
        if escalations:
            await self._send(escalations, now)
        if storm is not None and storm != before:
            await self._storms.put(key, storm_row(storm), partition=STORM_PARTITION)

    async def _count(self, signal: TakenSignal, partition: int) -> None:
        """Count a signal in its week; a signal that comes again after it was told counts again, so this is a guide."""
        week = window_start(signal.fires_at, WEEK)
        labels = [signal.network_id, signal.clinic_id, signal.stage.value, signal.kind.value]
        key = "|".join([str(partition), week.date().isoformat(), *labels])
        known = self._weeks.get(key)
        row = {
            "count": 1 + (known["count"] if known else 0),
            "labels": labels,
            "week": week.timestamp(),
            "until": (week + WEEK + WEEK).timestamp(),
        }
        await self._weeks.put(key, row, partition=partition)

    def _show_week(self, now: datetime) -> None:
        week = window_start(now, WEEK).timestamp()
        totals: Counter[tuple[str, ...]] = Counter()
        for _, row in self._weeks.items():
            totals[tuple(row["labels"])] += row["count"] if row["week"] == week else 0
        for labels, count in totals.items():
            metrics.WEEK_SIGNALS.labels(*labels).set(count)


def _past(table: FactTable, now: datetime) -> list[str]:
    return [key for key, row in table.items() if row["until"] <= now.timestamp()]
