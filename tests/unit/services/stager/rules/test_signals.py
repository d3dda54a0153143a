from datetime import timedelta

from schemas.vocabulary import ActorType, ChangeKind, CommandAction, Priority, SignalKind, Stage
from services.stager.rules.decision import Decision, Why
from tests.support.stager import Desk, signal


def test_reminder_is_noted_and_changes_nothing_else() -> None:
    desk = Desk()
    before = desk.referral

    outcome = desk.take(signal(before, SignalKind.REMINDER))

    assert isinstance(outcome, Decision)
    assert [change.kind for change in outcome.changes] == [ChangeKind.REMINDED]
    assert (desk.referral.due_at, desk.referral.breached, outcome.tasks) == (before.due_at, False, ())


def test_breach_is_noted_and_escalates_to_the_supervisors_once() -> None:
    desk = Desk()

    outcome = desk.take(signal(desk.referral, SignalKind.BREACH))
    again = desk.ignored(signal(desk.referral, SignalKind.BREACH, event_id="again"))

    assert isinstance(outcome, Decision)
    change = outcome.changes[0]
    assert (change.kind, change.after.breached) == (ChangeKind.BREACHED, True)
    assert (change.cause.actor_type, change.cause.actor) == (ActorType.SERVICE, "sla")
    assert change.cause.at == desk.referral.due_at
    assert desk.task_types == ["Review new referral", "Escalation: overdue"]
    assert desk.tasks[1].owner_queue == "riverside.harbor.supervisor"
    assert desk.tasks[1].due_at == change.cause.at + timedelta(hours=4)
    assert desk.referral.owner_queue == "riverside.harbor.intake"
    assert again.why is Why.ALREADY_BREACHED


def test_signal_of_an_earlier_stay_is_ignored() -> None:
    desk = Desk()
    late = signal(desk.referral, SignalKind.BREACH)
    desk.move("ivy", Stage.ELIGIBILITY)

    assert desk.ignored(late).why is Why.EARLIER_STAY
    assert not desk.referral.breached


def test_signal_while_the_clock_is_paused_is_ignored() -> None:
    desk = Desk()
    desk.move("ivy", Stage.WAITING_ON_REFERRING_OFFICE, reason_code="order_missing")

    assert desk.ignored(signal(desk.referral, SignalKind.BREACH)).why is Why.CLOCK_NOT_RUNNING


def test_signal_of_a_due_time_that_moved_meanwhile_is_ignored() -> None:
    desk = Desk()
    overtaken = signal(desk.referral, SignalKind.BREACH)
    desk.do("sue", CommandAction.CHANGE_PRIORITY, priority=Priority.URGENT)

    assert desk.ignored(overtaken).why is Why.SUPERSEDED
    assert isinstance(desk.take(signal(desk.referral, SignalKind.BREACH, event_id="anew")), Decision)


def test_reminders_of_two_rounds_with_the_same_due_time_are_one() -> None:
    """The priority changes and changes back, with the signals of both rounds on their way."""
    desk = Desk()
    desk.do("sue", CommandAction.CHANGE_PRIORITY, priority=Priority.URGENT)
    desk.do("sue", CommandAction.CHANGE_PRIORITY, priority=Priority.ROUTINE)
    first, later = (signal(desk.referral, SignalKind.REMINDER, event_id=name) for name in ("first round", "third"))

    assert isinstance(desk.take(first), Decision)
    assert desk.ignored(later).why is Why.ALREADY_REMINDED


def test_a_new_stay_is_reminded_of_anew() -> None:
    desk = Desk()
    desk.take(signal(desk.referral, SignalKind.REMINDER))
    desk.move("ivy", Stage.ELIGIBILITY)

    assert isinstance(desk.take(signal(desk.referral, SignalKind.REMINDER)), Decision)


def test_signal_of_the_new_due_time_is_heard() -> None:
    desk = Desk(priority=Priority.URGENT)
    desk.ask("ivy", CommandAction.CHANGE_PRIORITY, priority=Priority.ROUTINE)

    desk.take(signal(desk.referral, SignalKind.BREACH, event_id="next round"))

    assert desk.referral.breached


def test_signal_for_an_unknown_or_foreign_referral_is_ignored() -> None:
    desk = Desk()

    unknown = desk.ignored(signal(desk.referral, SignalKind.BREACH, referral_id="0000-0000-0000"))
    foreign = desk.ignored(signal(desk.referral, SignalKind.BREACH, network_id="elsewhere"))

    assert (unknown.why, foreign.why) == (Why.UNKNOWN_REFERRAL, Why.FOREIGN_NETWORK)


def test_moving_on_ends_the_escalation_and_the_next_stay_is_not_breached() -> None:
    desk = Desk()
    desk.take(signal(desk.referral, SignalKind.BREACH))

    desk.move("ivy", Stage.ELIGIBILITY)

    assert (desk.referral.breached, desk.task_types) == (False, ["Verify insurance eligibility"])


def test_a_finished_escalation_does_not_hide_the_work_of_the_stage() -> None:
    desk = Desk()
    desk.take(signal(desk.referral, SignalKind.BREACH))
    work, escalation = desk.tasks

    desk.do("ivy", CommandAction.COMPLETE_TASK, task_id=work.task_id)
    desk.do("sue", CommandAction.COMPLETE_TASK, task_id=escalation.task_id)

    assert desk.task_types == ["Decide next step"]
