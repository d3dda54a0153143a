"""How long a referral stayed in each stage, and on whom it waited (R3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.vocabulary import Stage, WaitingOn


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A stage was entered."""

    stage: Stage
    stage_entry: int
    at: datetime
    waiting_on: WaitingOn
    owner_queue: str
    actor: str
    reason_code: str | None = None


@dataclass(frozen=True, kw_only=True)
class Stay:
    """A time in one stage; `until` is missing while it lasts."""

    stage: Stage
    stage_entry: int
    since: datetime
    until: datetime | None
    waited_s: int
    waiting_on: WaitingOn
    owner_queue: str
    entered_by: str
    reason_code: str | None
    is_breached: bool
    is_current: bool


def stays_of(entries: Sequence[Entry], *, breached: frozenset[int], now: datetime) -> tuple[Stay, ...]:
    """Return each stay in order; the last one lasts until now unless its stage waits on nobody."""
    ends: list[datetime | None] = [entry.at for entry in entries[1:]]
    return tuple(
        _stay(entry, end=end, is_breached=entry.stage_entry in breached, now=now)
        for entry, end in zip(entries, [*ends, None], strict=False)
    )


def waited_by_party(stays: Sequence[Stay]) -> dict[WaitingOn, int]:
    """Return the seconds waited on each party, the longest first."""
    totals: dict[WaitingOn, int] = {}
    for stay in stays:
        totals[stay.waiting_on] = totals.get(stay.waiting_on, 0) + stay.waited_s
    totals.pop(WaitingOn.NOBODY, None)
    return dict(sorted(totals.items(), key=lambda pair: -pair[1]))


def _stay(entry: Entry, *, end: datetime | None, is_breached: bool, now: datetime) -> Stay:
    is_over = end is None and entry.waiting_on is WaitingOn.NOBODY
    until = entry.at if is_over else end
    return Stay(
        stage=entry.stage,
        stage_entry=entry.stage_entry,
        since=entry.at,
        until=end,
        waited_s=max(0, int(((until or now) - entry.at).total_seconds())),
        waiting_on=entry.waiting_on,
        owner_queue=entry.owner_queue,
        entered_by=entry.actor,
        reason_code=entry.reason_code,
        is_breached=is_breached,
        is_current=end is None,
    )
