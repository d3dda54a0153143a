from dataclasses import replace
from datetime import timedelta
from typing import Any

from schemas.events import ReferralChanged, ReferralState
from schemas.vocabulary import ClockState, CommandAction, Priority, Stage
from services.stager.rules.announcing import announce
from services.stager.rules.rulebook import Rulebook
from tests.support.stager import FRIDAY, Desk

HOUR = timedelta(hours=1)


def test_waiting_pauses_the_clock_and_the_stage_goes_on_with_the_time_it_had_left() -> None:
    desk = Desk()
    desk.move("sue", Stage.ELIGIBILITY, Stage.DOCUMENTATION)
    desk.wait(hours=20)
    desk.move("ivy", Stage.WAITING_ON_REFERRING_OFFICE, reason_code="documents_missing")
    paused = desk.referral
    desk.wait(days=5)

    desk.move("ivy", Stage.DOCUMENTATION)

    assert (paused.clock, paused.due_at, paused.remind_at) == (ClockState.PAUSED, None, None)
    assert paused.interrupted_used_s == 20 * 3600
    assert desk.referral.due_at == desk.now + 52 * HOUR
    assert desk.referral.remind_at == desk.now + 50 * HOUR


def test_a_paused_stage_still_asks_to_follow_up() -> None:
    desk = Desk()

    desk.move("ivy", Stage.WAITING_ON_REFERRING_OFFICE, reason_code="order_missing")

    assert desk.task_types == ["Follow up with referring office"]
    assert desk.tasks[0].due_at == FRIDAY + 48 * HOUR


def test_two_exceptions_in_a_row_keep_the_time_of_the_stage_before_them() -> None:
    desk = Desk()
    desk.move("ivy", Stage.ELIGIBILITY)
    desk.wait(hours=10)
    desk.move("eli", Stage.WAITING_ON_REFERRING_OFFICE, reason_code="documents_missing")
    desk.wait(hours=10)
    desk.move("ivy", Stage.PATIENT_UNREACHABLE, reason_code="no_answer")
    desk.wait(hours=10)

    desk.move("eli", Stage.ELIGIBILITY)

    assert desk.referral.due_at == desk.now + 38 * HOUR


def test_patient_unreachable_has_a_timer_of_its_own() -> None:
    desk = Desk()

    desk.move("ivy", Stage.PATIENT_UNREACHABLE, reason_code="no_answer")

    assert (desk.referral.clock, desk.referral.due_at) == (ClockState.RUNNING, FRIDAY + 72 * HOUR)


def test_another_stage_than_the_interrupted_one_starts_fresh() -> None:
    desk = Desk()
    desk.move("sue", Stage.ELIGIBILITY, Stage.DOCUMENTATION)
    desk.wait(hours=20)
    desk.move("ivy", Stage.WAITING_ON_REFERRING_OFFICE, reason_code="documents_missing")

    desk.move("ivy", Stage.ELIGIBILITY)

    assert desk.referral.due_at == desk.now + 48 * HOUR


def test_time_used_up_before_the_interruption_makes_the_stage_due_at_once() -> None:
    desk = Desk()
    desk.move("ivy", Stage.ELIGIBILITY)
    desk.wait(hours=100)
    desk.move("eli", Stage.WAITING_ON_REFERRING_OFFICE, reason_code="documents_missing")

    desk.move("eli", Stage.ELIGIBILITY)

    assert desk.referral.due_at == desk.now
    assert desk.referral.remind_at == desk.now


def test_another_priority_keeps_the_time_already_used() -> None:
    desk = Desk()
    desk.move("ivy", Stage.ELIGIBILITY)
    desk.wait(hours=10)

    desk.do("eli", CommandAction.CHANGE_PRIORITY, priority=Priority.URGENT)

    assert desk.referral.due_at == FRIDAY + 24 * HOUR
    assert desk.tasks[0].due_at == desk.referral.due_at


def test_a_higher_priority_can_be_overdue_at_once_but_never_before_it_started() -> None:
    desk = Desk()
    desk.move("ivy", Stage.ELIGIBILITY)
    desk.wait(hours=10)

    desk.do("eli", CommandAction.CHANGE_PRIORITY, priority=Priority.STAT)

    assert desk.referral.due_at == FRIDAY + 2 * HOUR


def test_another_priority_while_paused_moves_the_follow_up_only() -> None:
    desk = Desk()
    desk.move("ivy", Stage.WAITING_ON_REFERRING_OFFICE, reason_code="order_missing")
    desk.wait(hours=1)

    desk.do("ivy", CommandAction.CHANGE_PRIORITY, priority=Priority.URGENT)

    assert (desk.referral.clock, desk.referral.due_at) == (ClockState.PAUSED, None)
    assert desk.tasks[0].due_at == desk.now + 24 * HOUR


def newer_rules(book: Rulebook, **policy: Any) -> Rulebook:
    """Return the same rules with a newer policy and a newer stage table."""
    newer = replace(book.policy, version=book.policy.version + 1, **policy)
    return replace(book, policy=newer, table=replace(book.table, version=book.table.version + 1))


def test_whoever_sets_a_clock_says_by_which_rules() -> None:
    desk = Desk()
    desk.move("ivy", Stage.ELIGIBILITY)
    old = desk.book
    longer = {key: {one: 2 * time for one, time in row.items()} for key, row in old.policy.durations.items()}
    desk.book = newer_rules(old, durations=longer)

    decision = desk.do("eli", CommandAction.CHANGE_PRIORITY, priority=Priority.URGENT)

    referral, (event, state) = desk.referral, announce(decision, desk.tasks)
    assert isinstance(event, ReferralChanged)
    assert isinstance(state, ReferralState)
    assert referral.due_at == event.due_at == state.due_at == FRIDAY + 48 * HOUR
    assert referral.priority is event.priority is state.priority is Priority.URGENT
    assert referral.sla_policy == desk.book.policy.label != old.policy.label
    assert referral.stage_table_version == event.stage_table_version == desk.book.table.version
    assert decision.changes[-1].after == referral


def test_another_priority_under_rules_that_pause_the_stage_pauses_it() -> None:
    desk = Desk()
    desk.move("ivy", Stage.WAITING_ON_REFERRING_OFFICE, reason_code="order_missing")
    paused = desk.book
    running = {**paused.policy.clocks, Stage.WAITING_ON_REFERRING_OFFICE: ClockState.RUNNING}
    both = {**paused.policy.follow_up, **paused.policy.durations}
    desk.book = newer_rules(paused, clocks=running, durations=both)
    desk.do("ivy", CommandAction.CHANGE_PRIORITY, priority=Priority.URGENT)
    resumed = desk.referral
    desk.wait(hours=1)
    desk.book = newer_rules(paused)

    desk.do("ivy", CommandAction.CHANGE_PRIORITY, priority=Priority.STAT)

    assert (resumed.clock, resumed.due_at) == (ClockState.RUNNING, FRIDAY + 24 * HOUR)
    assert (desk.referral.clock, desk.referral.due_at, desk.referral.used_s) == (ClockState.PAUSED, None, 3600)


def test_a_stage_is_never_entered_before_the_one_it_follows() -> None:
    desk = Desk()
    desk.wait(hours=5)
    desk.move("ivy", Stage.ELIGIBILITY)

    desk.move("eli", Stage.DOCUMENTATION, at=FRIDAY)

    assert desk.referral.stage_entered_at == FRIDAY + 5 * HOUR
