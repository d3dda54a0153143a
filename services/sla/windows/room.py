"""What the windows do with signals: remember them, and tell once a second what is over."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from runtime import metrics
from runtime.clock import Clock
from schemas.events import NoticeRequested, SlaSignalled
from schemas.vocabulary import SignalKind
from services.sla.rules.bundling import TakenSignal, notices_of, take
from services.sla.rules.storms import StormRule, watch
from services.sla.rules.windows import is_over, window_start
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


class Room:
    """Takes signals and sends notices; the tables are its only memory."""

    def __init__(
        self,
        rule: WindowRule,
        clock: Clock,
        send: Send,
        *,
        untold: FactTable,
        breaches: FactTable,
        storms: FactTable,
    ) -> None:
        self._rule, self._clock, self._send = rule, clock, send
        self._untold, self._breaches, self._storms = untold, breaches, storms
        #: places with breaches that were not judged yet; None for all, as after a start
        self._unjudged: set[Place] | None = None

    async def take(self, event: SlaSignalled, *, partition: int) -> None:
        """Remember a signal until its window is over, and a breach for as long as it can be part of a storm.

        Raises:
            ValueError: its queue belongs to no team.
        """
        signal = take(event)
        row = signal_row(signal, seen_at=self._clock.now())
        await self._untold.put(signal.signal_id, row, partition=partition)
        if signal.kind is SignalKind.BREACH:
            await self._breaches.put(signal.signal_id, row, partition=partition)
            if self._unjudged is not None:
                self._unjudged.add(place_of(row))

    async def tell(self) -> None:
        """Send the notices of windows that are over and the escalations of new storms, then forget what is told."""
        now = self._clock.now()
        await self._tell_windows(now)
        await self._tell_storms(now)
        await self._forget_old(now)

    async def _tell_windows(self, now: datetime) -> None:
        over = [signal for signal in self._untold_signals() if self._is_over(signal, now)]
        if over:
            await self._send(notices_of(over, window=self._rule.length), now)
            await self._untold.forget(signal.signal_id for signal in over)
            metrics.WINDOW_SIGNALS.labels("told").inc(len(over))

    def _untold_signals(self) -> list[TakenSignal]:
        return [signal_of_row(key, row) for key, row in self._untold.items()]

    def _is_over(self, signal: TakenSignal, now: datetime) -> bool:
        start = window_start(signal.fires_at, self._rule.length)
        return is_over(start, self._rule.length, self._rule.grace, now=now)

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

    async def _forget_old(self, now: datetime) -> None:
        kept = self._rule.storm.length + self._rule.storm.hop + self._rule.grace
        await self._breaches.forget(
            key
            for key, row in self._breaches.items()
            if max(row["seen_at"], datetime.fromisoformat(row["fires_at"]).timestamp()) + kept.total_seconds()
            < now.timestamp()
        )
        await self._storms.forget(
            key for key, row in self._storms.items() if storm_of_row(row).until + STORM_MEMORY < now
        )
