"""Notices as the courier meets them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.events import NoticeRequested
from schemas.ids import named_id, queue_of, referral_id_of
from schemas.vocabulary import NoticeKind, Team
from services.courier.rules.effects import Transport
from services.courier.rules.wording import Effect

NETWORK = "riverside"
CLINIC = "harbor"
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


def signal(number: int) -> str:
    """Return the id of the number-th signal."""
    return named_id("signal", str(number))


def referral(number: int) -> str:
    """Return the referral of the number-th signal."""
    return referral_id_of(str(number))


def requested(*numbers: int, kind: NoticeKind = NoticeKind.BREACH, **fields: Any) -> NoticeRequested:
    """Return a notice of the numbered signals."""
    team = Team.SUPERVISOR if kind is NoticeKind.BREACH_STORM else Team.SCHEDULING
    values: dict[str, Any] = {
        "event_id": named_id("notice", kind, *map(str, numbers)),
        "recipient_queue": queue_of(NETWORK, CLINIC, team),
        "network_id": NETWORK,
        "clinic_id": CLINIC,
        "team": team,
        "kind": kind,
        "window_start": NOON,
        "window_end": NOON + timedelta(minutes=1),
        "signal_ids": tuple(map(signal, numbers)),
        "referral_ids": tuple(map(referral, numbers)),
    }
    return NoticeRequested(**(values | fields))


def effect(transport: Transport, address: str, *, attempts: int = 1) -> Effect:
    """Return an effect in hand."""
    request = requested(1, 2)
    return Effect(
        effect_id=named_id("effect", transport, address),
        transport=transport,
        address=address,
        attempts=attempts,
        network_id=request.network_id,
        notice_id=request.event_id,
        kind=request.kind,
        recipient_queue=request.recipient_queue,
        window_start=request.window_start,
        window_end=request.window_end,
        referral_ids=request.referral_ids,
    )
