"""Signals of a queue, a kind and a window become one notice (R23, R24)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from schemas.events import NoticeRequested, SlaSignalled
from schemas.ids import named_id
from schemas.vocabulary import NoticeKind, SignalKind, Stage, Team
from services.sla.rules.windows import window_start

#: a notice with more signals would not fit into a record
MAX_SIGNALS = 5_000
NOTICE_KIND = {SignalKind.REMINDER: NoticeKind.REMINDER, SignalKind.BREACH: NoticeKind.BREACH}


@dataclass(frozen=True, kw_only=True, slots=True)
class TakenSignal:
    """What a window has to know of a signal."""

    signal_id: str
    referral_id: str
    network_id: str
    clinic_id: str
    stage: Stage
    queue: str
    kind: SignalKind
    fires_at: datetime


def take(signal: SlaSignalled) -> TakenSignal:
    """Return what a window has to know of a signal.

    Raises:
        ValueError: its queue belongs to no team.
    """
    team_of(signal.owner_queue)
    return TakenSignal(
        signal_id=signal.event_id,
        referral_id=signal.referral_id,
        network_id=signal.network_id,
        clinic_id=signal.clinic_id,
        stage=signal.stage,
        queue=signal.owner_queue,
        kind=signal.kind,
        fires_at=signal.fires_at,
    )


def team_of(queue: str) -> Team:
    """Return the team of a queue."""
    return Team(queue.rpartition(".")[2])


def notices_of(signals: Iterable[TakenSignal], *, window: timedelta) -> list[NoticeRequested]:
    """Return one notice for each queue, kind and window, or several where one would be too large for a record."""

    def group_of(signal: TakenSignal) -> tuple[str, str, SignalKind, datetime]:
        return signal.network_id, signal.queue, signal.kind, window_start(signal.fires_at, window)

    in_order = sorted(signals, key=lambda signal: (group_of(signal), signal.signal_id))
    return [
        notice_of(part, queue=queue, kind=NOTICE_KIND[kind], start=start, end=start + window)
        for (_, queue, kind, start), group in groupby(in_order, key=group_of)
        for part in _parts(tuple(group))
    ]


def notice_of(
    signals: Sequence[TakenSignal], *, queue: str, kind: NoticeKind, start: datetime, end: datetime
) -> NoticeRequested:
    """Return the notice of some signals of one clinic; the same signals give the same notice."""
    in_order = sorted(signals, key=lambda signal: signal.signal_id)
    signal_ids = tuple(signal.signal_id for signal in in_order)
    return NoticeRequested(
        event_id=named_id("notice", queue, kind, start.isoformat(), *signal_ids),
        recipient_queue=queue,
        network_id=signals[0].network_id,
        clinic_id=signals[0].clinic_id,
        team=team_of(queue),
        kind=kind,
        window_start=start,
        window_end=end,
        signal_ids=signal_ids,
        referral_ids=tuple(signal.referral_id for signal in in_order),
    )


def _parts(signals: Sequence[TakenSignal]) -> Iterator[Sequence[TakenSignal]]:
    for first in range(0, len(signals), MAX_SIGNALS):
        yield signals[first : first + MAX_SIGNALS]
