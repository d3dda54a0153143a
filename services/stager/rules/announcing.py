"""What is told to everyone about a decision: a fact for each change and the state after the last, without PHI."""

from collections.abc import Iterable

from schemas.events import ReferralChanged, ReferralState
from schemas.ids import derived_id
from services.stager.rules.decision import Change, Decision
from services.stager.rules.referral import Referral, Task


def announce(decision: Decision, open_tasks: Iterable[Task]) -> tuple[ReferralChanged | ReferralState, ...]:
    """Return the events of a decision; their ids follow from its cause."""
    changes = [_changed(change, index) for index, change in enumerate(decision.changes)]
    cause_id = decision.changes[-1].cause.cause_id
    return (*changes, _state(decision.referral, open_tasks, derived_id(cause_id, len(changes))))


def _changed(change: Change, index: int) -> ReferralChanged:
    referral, cause = change.after, change.cause
    return ReferralChanged(
        event_id=derived_id(cause.cause_id, index),
        referral_id=referral.referral_id,
        sequence=referral.sequence,
        network_id=referral.network_id,
        clinic_id=referral.clinic_id,
        kind=change.kind,
        stage=referral.stage,
        previous_stage=change.previous_stage,
        stage_entry=referral.stage_entry,
        stage_entered_at=referral.stage_entered_at,
        owner_queue=referral.owner_queue,
        owner_user=referral.owner_user,
        clock=referral.clock,
        remind_at=referral.remind_at,
        due_at=referral.due_at,
        waiting_on=referral.waiting_on,
        priority=referral.priority,
        reason_code=change.reason_code,
        missing_items=referral.missing_items,
        breached=referral.breached,
        is_rework=change.is_rework,
        actor_type=cause.actor_type,
        actor=cause.actor,
        effective_at=cause.at,
        recorded_at=cause.recorded_at,
        cause_id=cause.cause_id,
        stage_table_version=referral.stage_table_version,
        channel=referral.channel,
        specialty=referral.specialty,
        received_at=referral.received_at,
    )


def _state(referral: Referral, open_tasks: Iterable[Task], event_id: str) -> ReferralState:
    in_order = sorted(open_tasks, key=lambda task: (task.created_at, task.task_id))
    return ReferralState(
        event_id=event_id,
        referral_id=referral.referral_id,
        sequence=referral.sequence,
        network_id=referral.network_id,
        clinic_id=referral.clinic_id,
        stage=referral.stage,
        stage_entry=referral.stage_entry,
        stage_entered_at=referral.stage_entered_at,
        owner_queue=referral.owner_queue,
        owner_user=referral.owner_user,
        clock=referral.clock,
        remind_at=referral.remind_at,
        due_at=referral.due_at,
        waiting_on=referral.waiting_on,
        priority=referral.priority,
        missing_items=referral.missing_items,
        open_tasks=tuple(task.type for task in in_order),
        breached=referral.breached,
        reason_code=referral.reason_code,
        appointment_at=referral.appointment_at,
        channel=referral.channel,
        specialty=referral.specialty,
        received_at=referral.received_at,
        updated_at=referral.updated_at,
    )
