"""Many breaches of one stage and clinic in a short time are one storm and one escalation (R24)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.events import NoticeRequested
from schemas.ids import queue_of
from schemas.vocabulary import NoticeKind, Team
from services.sla.rules.bundling import MAX_SIGNALS, TakenSignal, notice_of
from services.sla.rules.windows import hopping_starts

HOPS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class StormRule:
    """When breaches are a storm."""

    breaches: int
    length: timedelta

    @property
    def hop(self) -> timedelta:
        """Distance of the hopping windows in which breaches are counted."""
        return self.length / HOPS


@dataclass(frozen=True, kw_only=True, slots=True)
class Storm:
    """The latest storm of a stage and clinic: from its first full window to the end of its last."""

    started: datetime
    until: datetime


def watch(
    rule: StormRule, storm: Storm | None, breaches: Iterable[TakenSignal]
) -> tuple[Storm | None, tuple[NoticeRequested, ...]]:
    """Return the latest storm of one stage and clinic and an escalation for each storm that is new.

    A full window that overlaps the latest storm prolongs it silently; one before it was judged in its time.
    """
    windows: dict[datetime, list[TakenSignal]] = defaultdict(list)
    for breach in breaches:
        for start in hopping_starts(breach.fires_at, rule.length, rule.hop):
            windows[start].append(breach)
    escalations = []
    for start, inside in sorted(windows.items(), key=lambda item: item[0]):
        end = start + rule.length
        if len(inside) < rule.breaches or (storm is not None and end <= storm.started):
            continue
        if storm is not None and start < storm.until:
            storm = Storm(started=storm.started, until=max(storm.until, end))
            continue
        storm = Storm(started=start, until=end)
        escalations.append(_escalation(inside, start=start, end=end))
    return storm, tuple(escalations)


def _escalation(inside: list[TakenSignal], *, start: datetime, end: datetime) -> NoticeRequested:
    first = inside[0]
    queue = queue_of(first.network_id, first.clinic_id, Team.SUPERVISOR)
    told = sorted(inside, key=lambda signal: (signal.fires_at, signal.signal_id))[:MAX_SIGNALS]
    return notice_of(told, queue=queue, kind=NoticeKind.BREACH_STORM, start=start, end=end)
