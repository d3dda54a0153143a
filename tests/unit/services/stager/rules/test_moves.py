from datetime import date, timedelta

import pytest

from schemas.vocabulary import ChangeKind, ClockState, CommandAction, MissingItem, Stage, WaitingOn
from services.stager.rules.decision import Rule
from services.stager.rules.stage_table import ReasonCode, ReasonGroup
from tests.support.stager import FRIDAY, Desk

MOVE = CommandAction.MOVE


def test_walk_along_the_main_line_hands_over_to_each_team() -> None:
    desk = Desk()
    queues = []

    for user, stage in [
        ("ivy", Stage.ELIGIBILITY),
        ("eli", Stage.DOCUMENTATION),
        ("ivy", Stage.CLINICAL_REVIEW),
        ("cleo", Stage.READY_TO_SCHEDULE),
    ]:
        desk.move(user, stage)
        queues.append(desk.referral.owner_queue.rsplit(".")[-1])
    desk.move("sam", Stage.SCHEDULED, appointment_at=FRIDAY + timedelta(days=9))
    desk.move("sam", Stage.COMPLETED)

    assert queues == ["eligibility", "documentation", "clinical_review", "scheduling"]
    assert (desk.referral.stage, desk.referral.clock) == (Stage.COMPLETED, ClockState.STOPPED)
    assert (desk.tasks, desk.referral.rework_count) == ((), 0)


def test_move_ends_the_old_tasks_and_the_claim() -> None:
    desk = Desk()
    desk.do("ivy", CommandAction.CLAIM)

    decision = desk.move("ivy", Stage.ELIGIBILITY)

    assert [(task.type, task.status) for task in decision.tasks] == [
        ("Review new referral", "done"),
        ("Verify insurance eligibility", "open"),
    ]
    assert decision.tasks[0].completed_by == "ivy"
    assert desk.referral.owner_user is None


def test_illegal_move_is_refused_with_the_legal_ones() -> None:
    refusal = Desk().refused("ivy", MOVE, to_stage=Stage.SCHEDULED)

    assert refusal.rule is Rule.ILLEGAL_TRANSITION
    assert "intake_received -> scheduled" in refusal.detail
    assert "eligibility" in refusal.detail


def test_move_by_another_team_is_refused_with_who_may() -> None:
    refusal = Desk().refused("sam", MOVE, to_stage=Stage.ELIGIBILITY)

    assert refusal.rule is Rule.ROLE_NOT_ALLOWED
    assert refusal.detail.endswith("is for intake, supervisor")


def test_auditor_moves_nothing() -> None:
    assert Desk().refused("audrey", MOVE, to_stage=Stage.ELIGIBILITY).rule is Rule.ROLE_NOT_ALLOWED


def test_move_without_a_stage_is_refused() -> None:
    assert Desk().refused("ivy", MOVE).rule is Rule.INCOMPLETE_COMMAND


def test_missing_items_must_be_there_before_needs_info_is_left() -> None:
    desk = Desk(missing_items=(MissingItem.DATE_OF_BIRTH,))

    refusal = desk.refused("ivy", MOVE, to_stage=Stage.INTAKE_RECEIVED)

    assert refusal.rule is Rule.FIELDS_MISSING
    assert "date_of_birth" in refusal.detail


def test_only_a_supervisor_waives_missing_items_and_says_why() -> None:
    desk = Desk(missing_items=(MissingItem.PHONE,))
    waiver = {"to_stage": Stage.INTAKE_RECEIVED, "reason_code": "accepted_incomplete"}

    assert desk.refused("ivy", MOVE, **waiver, comment="no phone").rule is Rule.REASON_NOT_ALLOWED
    assert desk.refused("sue", MOVE, **waiver).rule is Rule.COMMENT_REQUIRED
    desk.do("sue", MOVE, **waiver, comment="no phone")

    assert desk.referral.stage is Stage.INTAKE_RECEIVED


def test_exception_needs_a_reason_of_its_own_group() -> None:
    desk = Desk()
    desk.move("ivy", Stage.ELIGIBILITY)
    wait = {"to_stage": Stage.WAITING_ON_REFERRING_OFFICE}

    assert desk.refused("eli", MOVE, **wait).rule is Rule.REASON_REQUIRED
    assert desk.refused("eli", MOVE, **wait, reason_code="gone_fishing").rule is Rule.UNKNOWN_REASON
    assert desk.refused("eli", MOVE, **wait, reason_code="no_answer").rule is Rule.REASON_NOT_ALLOWED
    assert desk.refused("eli", MOVE, **wait, reason_code="clinical_question").rule is Rule.REASON_NOT_ALLOWED
    assert desk.refused("eli", MOVE, **wait, reason_code="clarification_needed").rule is Rule.COMMENT_REQUIRED
    desk.move("eli", Stage.WAITING_ON_REFERRING_OFFICE, reason_code="documents_missing")

    assert desk.referral.reason_code == "documents_missing"
    assert desk.referral.waiting_on is WaitingOn.REFERRING_OFFICE


def test_an_unknown_reason_is_not_repeated_in_the_answer() -> None:
    refusal = Desk().refused("ivy", CommandAction.CLOSE, reason_code="Jane Doe called")

    assert "Jane" not in refusal.detail


def test_forward_move_takes_no_reason() -> None:
    refusal = Desk().refused("ivy", MOVE, to_stage=Stage.ELIGIBILITY, reason_code="no_answer")

    assert refusal.rule is Rule.REASON_NOT_EXPECTED


@pytest.mark.parametrize(("day", "expected"), [(5, False), (6, True), (7, True), (8, False)])
def test_reason_codes_have_effective_dates(day: int, expected: bool) -> None:
    reason = ReasonCode(
        code="x",
        group=ReasonGroup.CLOSING,
        text="X",
        effective_from=date(2026, 3, 6),
        effective_until=date(2026, 3, 7),
    )

    assert reason.is_effective(date(2026, 3, day)) is expected


def test_going_backwards_is_legal_needs_a_reason_and_is_counted() -> None:
    desk = Desk()
    desk.move("sue", Stage.ELIGIBILITY, Stage.DOCUMENTATION)

    decision = desk.move("ivy", Stage.ELIGIBILITY, reason_code="coverage_changed")

    assert decision.changes[0].is_rework
    assert desk.referral.rework_count == 1
    assert [task.status for task in decision.tasks] == ["cancelled", "open"]


def test_clinical_review_is_skipped_only_where_the_policy_says_so() -> None:
    cardiology, dermatology = Desk(), Desk(specialty="Dermatology")
    for desk in (cardiology, dermatology):
        desk.move("sue", Stage.ELIGIBILITY, Stage.DOCUMENTATION)

    refusal = cardiology.refused("ivy", MOVE, to_stage=Stage.READY_TO_SCHEDULE)
    dermatology.move("ivy", Stage.READY_TO_SCHEDULE)

    assert refusal.rule is Rule.CLINICAL_REVIEW_REQUIRED


def test_scheduled_needs_an_appointment() -> None:
    desk = Desk()
    desk.to_ready()

    assert desk.refused("sam", MOVE, to_stage=Stage.SCHEDULED).rule is Rule.FIELDS_MISSING


def test_an_exception_is_no_way_around_the_stages_in_between() -> None:
    desk = Desk()
    desk.move("ivy", Stage.ELIGIBILITY)
    desk.move("eli", Stage.WAITING_ON_REFERRING_OFFICE, reason_code="documents_missing")

    refusal = desk.refused("ivy", MOVE, to_stage=Stage.READY_TO_SCHEDULE)

    assert refusal.rule is Rule.STAGE_NOT_REACHED
    assert not desk.move("eli", Stage.ELIGIBILITY).changes[0].is_rework


def test_leaving_an_exception_for_an_earlier_stage_is_rework() -> None:
    desk = Desk()
    desk.move("sue", Stage.ELIGIBILITY, Stage.DOCUMENTATION)
    desk.move("ivy", Stage.PATIENT_UNREACHABLE, reason_code="no_answer")

    decision = desk.move("ivy", Stage.ELIGIBILITY)

    assert decision.changes[0].is_rework


def test_who_sends_back_to_needs_info_without_a_missing_item_is_not_bounced() -> None:
    desk = Desk()

    decision = desk.move("ivy", Stage.INTAKE_NEEDS_INFO, reason_code="unreadable")

    assert [change.kind for change in decision.changes] == [ChangeKind.STAGE_CHANGED]
    assert desk.referral.stage is Stage.INTAKE_NEEDS_INFO


def test_close_needs_a_reason_and_ends_everything() -> None:
    desk = Desk()

    assert desk.refused("ivy", CommandAction.CLOSE).rule is Rule.REASON_REQUIRED
    desk.do("ivy", CommandAction.CLOSE, reason_code="patient_declined")

    referral = desk.referral
    assert (referral.stage, referral.clock) == (Stage.CLOSED_UNABLE_TO_SCHEDULE, ClockState.STOPPED)
    assert (referral.due_at, referral.waiting_on, desk.tasks) == (None, WaitingOn.NOBODY, ())
    assert desk.refused("ivy", CommandAction.CLAIM).rule is Rule.REFERRAL_CLOSED
    assert desk.refused("ivy", MOVE, to_stage=Stage.INTAKE_RECEIVED).rule is Rule.REFERRAL_CLOSED


def test_clinical_decline_is_for_clinicians_with_a_comment() -> None:
    desk = Desk()
    desk.move("sue", Stage.ELIGIBILITY, Stage.DOCUMENTATION, Stage.CLINICAL_REVIEW)
    decline = {"reason_code": "declined_clinically"}

    assert desk.refused("cleo", CommandAction.CLOSE, **decline).rule is Rule.COMMENT_REQUIRED
    desk.do("cleo", CommandAction.CLOSE, **decline, comment="not indicated")

    assert desk.referral.stage is Stage.CLOSED_UNABLE_TO_SCHEDULE


def test_reopening_starts_over_with_a_task_and_a_clock() -> None:
    desk = Desk()
    assert desk.refused("ivy", CommandAction.REOPEN, reason_code="closed_by_mistake").rule is Rule.REFERRAL_NOT_CLOSED
    desk.do("ivy", CommandAction.CLOSE, reason_code="patient_declined")
    desk.wait(days=3)

    assert desk.refused("ivy", CommandAction.REOPEN).rule is Rule.REASON_REQUIRED
    decision = desk.do("ivy", CommandAction.REOPEN, reason_code="patient_came_back")

    assert desk.referral.stage is Stage.INTAKE_RECEIVED
    assert desk.referral.due_at == desk.now + timedelta(hours=24)
    assert desk.task_types == ["Review new referral"]
    assert decision.changes[0].is_rework


def test_reopening_elsewhere_is_for_supervisors() -> None:
    desk = Desk()
    desk.do("ivy", CommandAction.CLOSE, reason_code="patient_declined")
    reopen = {"to_stage": Stage.DOCUMENTATION, "reason_code": "closed_by_mistake"}

    assert desk.refused("ivy", CommandAction.REOPEN, **reopen).rule is Rule.ROLE_NOT_ALLOWED
    desk.do("sue", CommandAction.REOPEN, **reopen)
