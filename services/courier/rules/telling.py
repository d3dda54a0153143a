"""What a notice tells that no notice before it told (R23)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.events import NoticeRequested
from schemas.vocabulary import NoticeKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """What a queue is told; field names are the column names."""

    network_id: str
    notice_id: str
    recipient_queue: str
    kind: NoticeKind
    window_start: datetime
    window_end: datetime
    signal_ids: tuple[str, ...]
    referral_ids: tuple[str, ...]
    created_at: datetime


def new_part(request: NoticeRequested, fresh: Collection[str], *, at: datetime) -> Notice | None:
    """Return the notice of the signals that are fresh, or None when there is nothing to tell.

    A storm is told once: an escalation with any signal of an earlier one speaks of the same storm.
    """
    is_storm = request.kind is NoticeKind.BREACH_STORM
    if not fresh or (is_storm and len(fresh) < len(set(request.signal_ids))):
        return None
    return Notice(
        network_id=request.network_id,
        notice_id=request.event_id,
        recipient_queue=request.recipient_queue,
        kind=request.kind,
        window_start=request.window_start,
        window_end=request.window_end,
        signal_ids=tuple(signal_id for signal_id in dict.fromkeys(request.signal_ids) if signal_id in fresh),
        referral_ids=_referrals(request, fresh),
        created_at=at,
    )


def _referrals(request: NoticeRequested, fresh: Collection[str]) -> tuple[str, ...]:
    referral_ids: Sequence[str] = request.referral_ids
    if len(referral_ids) == len(request.signal_ids):
        told = zip(request.signal_ids, referral_ids, strict=True)
        referral_ids = [referral_id for signal_id, referral_id in told if signal_id in fresh]
    return tuple(dict.fromkeys(referral_ids))
