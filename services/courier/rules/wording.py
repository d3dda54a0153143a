"""What is said outside: that something needs attention, and where to look; never about whom (R25)."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from services.courier.rules.effects import Transport

SUBJECT = "A referral needs attention"


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """An effect in hand, with what its receiver may know of the notice."""

    effect_id: str
    transport: Transport
    address: str
    attempts: int
    network_id: str
    notice_id: str
    kind: str
    recipient_queue: str
    window_start: datetime
    window_end: datetime
    referral_ids: tuple[str, ...]


def link_of(board_link: str, queue: str) -> str:
    """Return the address of a queue on the board."""
    return f"{board_link.rstrip('/')}/queues/{quote(queue, safe='')}"


def mail_text(effect: Effect, *, board_link: str) -> str:
    """Return the text of a mail."""
    return f"A referral needs attention.\n\n{link_of(board_link, effect.recipient_queue)}\n"


def webhook_body(effect: Effect, *, board_link: str) -> dict[str, object]:
    """Return the content of a webhook call: ids only."""
    return {
        "effect_id": effect.effect_id,
        "notice_id": effect.notice_id,
        "kind": effect.kind,
        "network_id": effect.network_id,
        "queue": effect.recipient_queue,
        "window_start": effect.window_start.isoformat(),
        "window_end": effect.window_end.isoformat(),
        "referral_ids": list(effect.referral_ids),
        "link": link_of(board_link, effect.recipient_queue),
    }
