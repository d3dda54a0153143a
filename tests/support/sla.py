"""Changes of referrals and signals as the SLA service meets them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.events import ReferralChanged, SlaSignalled
from schemas.ids import named_id, queue_of, referral_id_of
from schemas.vocabulary import ActorType, ChangeKind, Channel, ClockState, Priority, SignalKind, Stage, WaitingOn
from services.sla.rules.clocks import signal_id_of

NETWORK = "riverside"
CLINIC = "harbor"
QUEUE = queue_of(NETWORK, CLINIC, "eligibility")
#: a Monday morning
MONDAY = datetime(2026, 3, 9, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def referral_id(number: int = 1) -> str:
    """Return the id of the number-th referral."""
    return referral_id_of(named_id("submission", str(number)))


def change(number: int = 1, *, sequence: int = 1, **fields: Any) -> ReferralChanged:
    """Return a change of the number-th referral: by default it entered Eligibility with a running clock."""
    values: dict[str, Any] = {
        "event_id": named_id("change", str(number), str(sequence)),
        "referral_id": referral_id(number),
        "sequence": sequence,
        "network_id": NETWORK,
        "clinic_id": CLINIC,
        "kind": ChangeKind.STAGE_CHANGED,
        "stage": Stage.ELIGIBILITY,
        "stage_entry": 1,
        "stage_entered_at": MONDAY,
        "owner_queue": QUEUE,
        "clock": ClockState.RUNNING,
        "remind_at": MONDAY + 6 * HOUR,
        "due_at": MONDAY + 8 * HOUR,
        "waiting_on": WaitingOn.CLINIC,
        "priority": Priority.ROUTINE,
        "actor_type": ActorType.SERVICE,
        "actor": "stager",
        "effective_at": MONDAY,
        "recorded_at": MONDAY,
        "cause_id": named_id("cause", str(number), str(sequence)),
        "stage_table_version": 1,
        "channel": Channel.FAX,
        "received_at": MONDAY,
    }
    return ReferralChanged(**(values | fields))


def signalled(number: int = 1, **fields: Any) -> SlaSignalled:
    """Return the breach of the number-th referral."""
    kind = SignalKind(fields.get("kind", SignalKind.BREACH))
    values: dict[str, Any] = {
        "event_id": signal_id_of(referral_id(number), 1, kind),
        "referral_id": referral_id(number),
        "network_id": NETWORK,
        "clinic_id": CLINIC,
        "kind": kind,
        "stage": Stage.ELIGIBILITY,
        "stage_entry": 1,
        "owner_queue": QUEUE,
        "fires_at": MONDAY,
        "fired_at": MONDAY,
        "due_at": MONDAY,
    }
    return SlaSignalled(**(values | fields))
