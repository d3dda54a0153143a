"""What clocks announce, applied only while they speak of the present (R23)."""

from schemas.events import SlaSignalled
from schemas.vocabulary import ChangeKind, ClockState, SignalKind
from services.stager.rules.decision import NoChange, Why
from services.stager.rules.draft import Draft
from services.stager.rules.rulebook import Rulebook

ESCALATION = "escalate_overdue"


def apply_signal(book: Rulebook, draft: Draft, signal: SlaSignalled) -> NoChange | None:
    """Note a reminder, or a breach with its escalation to the supervisors, on the draft."""
    referral = draft.referral
    if signal.network_id != referral.network_id:
        return NoChange(Why.FOREIGN_NETWORK)
    if signal.stage_entry != referral.stage_entry:
        return NoChange(Why.EARLIER_STAY)
    if referral.clock is not ClockState.RUNNING:
        return NoChange(Why.CLOCK_NOT_RUNNING)
    # the due time moved while the signal was on its way: its clock is armed again with the new one
    if signal.due_at != referral.due_at:
        return NoChange(Why.SUPERSEDED)
    if referral.breached:
        return NoChange(Why.ALREADY_BREACHED)
    if signal.kind is SignalKind.BREACH:
        _breach(book, draft)
    elif referral.reminded:
        # the due time moved and came back while the signals of both rounds were on their way
        return NoChange(Why.ALREADY_REMINDED)
    else:
        draft.record(ChangeKind.REMINDED, reminded=True)
    return None


def _breach(book: Rulebook, draft: Draft) -> None:
    due_at = book.calendar.add(draft.at, book.policy.escalation)
    draft.create_task(book.table.tasks[ESCALATION], book.stage(draft.referral.stage).team, due_at=due_at)
    draft.record(ChangeKind.BREACHED, breached=True)
