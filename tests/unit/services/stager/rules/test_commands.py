import pytest

from schemas.vocabulary import AttemptOutcome, ChangeKind, CommandAction, MissingItem, Priority, Role, Stage
from services.stager.rules.decision import Rule
from tests.support.stager import Desk, command


def test_claim_makes_a_person_the_owner_of_the_referral_and_its_tasks() -> None:
    desk = Desk()

    desk.do("ivy", CommandAction.CLAIM)

    assert (desk.referral.owner_user, desk.tasks[0].owner_user) == ("ivy", "ivy")
    assert desk.referral.owner_queue == "riverside.harbor.intake"


def test_what_somebody_has_can_only_be_taken_by_a_supervisor() -> None:
    desk = Desk()
    desk.do("ivy", CommandAction.CLAIM)

    assert desk.refused("ivy", CommandAction.CLAIM).rule is Rule.ALREADY_CLAIMED
    assert desk.refused("ivy", CommandAction.CLAIM, by_user="dora").rule is Rule.ALREADY_CLAIMED
    desk.do("sue", CommandAction.CLAIM)

    assert desk.referral.owner_user == "sue"


def test_claim_is_for_the_team_of_the_stage() -> None:
    assert Desk().refused("sam", CommandAction.CLAIM).rule is Rule.ROLE_NOT_ALLOWED


def test_release_gives_the_referral_back_to_the_queue() -> None:
    desk = Desk()
    assert desk.refused("ivy", CommandAction.RELEASE).rule is Rule.NOT_CLAIMED
    desk.do("ivy", CommandAction.CLAIM)

    assert desk.refused("ivy", CommandAction.RELEASE, by_user="dora").rule is Rule.NOT_CLAIMED
    desk.do("ivy", CommandAction.RELEASE)

    assert (desk.referral.owner_user, desk.tasks[0].owner_user) == (None, None)


def test_work_that_is_done_leaves_the_task_to_decide_the_next_step() -> None:
    desk = Desk()
    desk.move("ivy", Stage.ELIGIBILITY)
    due_at = desk.referral.due_at

    desk.do("eli", CommandAction.COMPLETE_TASK, task_id=desk.tasks[0].task_id)

    assert desk.task_types == ["Decide next step"]
    assert desk.tasks[0].due_at == due_at
    refusal = desk.refused("eli", CommandAction.COMPLETE_TASK, task_id=desk.tasks[0].task_id)
    assert refusal.rule is Rule.MOVE_INSTEAD


def test_a_task_is_completed_once_and_by_its_own_team() -> None:
    desk = Desk()
    task_id = desk.tasks[0].task_id

    assert desk.refused("sam", CommandAction.COMPLETE_TASK, task_id=task_id).rule is Rule.ROLE_NOT_ALLOWED
    assert desk.refused("ivy", CommandAction.COMPLETE_TASK).rule is Rule.INCOMPLETE_COMMAND
    desk.do("ivy", CommandAction.COMPLETE_TASK, task_id=task_id)

    assert desk.refused("ivy", CommandAction.COMPLETE_TASK, task_id=task_id).rule is Rule.TASK_NOT_OPEN


def test_completing_the_call_settles_what_no_field_can_carry_and_moves_on() -> None:
    desk = Desk(missing_items=(MissingItem.CALL_BACK, MissingItem.READABLE_DOCUMENT))

    decision = desk.do("ivy", CommandAction.COMPLETE_TASK, task_id=desk.tasks[0].task_id)

    assert [change.kind for change in decision.changes] == [ChangeKind.TASK_COMPLETED, ChangeKind.STAGE_CHANGED]
    assert (desk.referral.stage, desk.referral.missing_items) == (Stage.INTAKE_RECEIVED, ())


def test_completing_the_call_does_not_invent_demographics() -> None:
    desk = Desk(missing_items=(MissingItem.CALL_BACK, MissingItem.DATE_OF_BIRTH))

    refusal = desk.refused("ivy", CommandAction.COMPLETE_TASK, task_id=desk.tasks[0].task_id)

    assert (refusal.rule, refusal.detail) == (Rule.FIELDS_MISSING, "still missing: date_of_birth")


def test_attempt_is_kept_with_its_outcome_and_moves_nothing() -> None:
    desk = Desk()

    decision = desk.do("ivy", CommandAction.RECORD_ATTEMPT, outcome=AttemptOutcome.LEFT_MESSAGE)

    assert decision.changes[0].outcome is AttemptOutcome.LEFT_MESSAGE
    assert (desk.referral.stage, desk.referral.sequence) == (Stage.INTAKE_RECEIVED, 2)
    assert desk.refused("ivy", CommandAction.RECORD_ATTEMPT, outcome=None).rule is Rule.INCOMPLETE_COMMAND


def test_the_same_priority_again_is_refused() -> None:
    desk = Desk()

    refusal = desk.refused("ivy", CommandAction.CHANGE_PRIORITY, priority=Priority.ROUTINE)

    assert refusal.rule is Rule.PRIORITY_UNCHANGED


def test_note_is_kept_as_comment_even_on_a_closed_referral() -> None:
    desk = Desk()
    desk.do("ivy", CommandAction.CLOSE, reason_code="patient_declined")

    decision = desk.do("ivy", CommandAction.ADD_NOTE, comment="called again")

    assert decision.changes[0].comment == "called again"
    assert desk.refused("ivy", CommandAction.ADD_NOTE, comment=" ").rule is Rule.INCOMPLETE_COMMAND


@pytest.mark.parametrize("action", [a for a in CommandAction if a is not CommandAction.REOPEN])
def test_readers_do_nothing(action: CommandAction) -> None:
    desk = Desk()

    refusal = desk.refused(
        "audrey",
        action,
        by_role=Role.AUDITOR,
        to_stage=Stage.ELIGIBILITY,
        task_id=desk.tasks[0].task_id,
        reason_code="patient_declined" if action is CommandAction.CLOSE else None,
    )

    assert refusal.rule is Rule.ROLE_NOT_ALLOWED


def test_stale_command_is_refused_with_what_changed() -> None:
    desk = Desk()
    desk.do("ivy", CommandAction.CLAIM)
    desk.move("ivy", Stage.ELIGIBILITY)

    refusal = desk.refused("ivy", CommandAction.RELEASE, expected_version=1)

    assert refusal.rule is Rule.STALE_VERSION
    assert refusal.detail == (
        "version 1, now 3: owner_changed in intake_received by ivy, stage_changed to eligibility by ivy"
    )


def test_a_very_stale_command_is_told_the_last_changes_and_how_many_before() -> None:
    desk = Desk()
    for _ in range(8):
        desk.do("ivy", CommandAction.RECORD_ATTEMPT)

    refusal = desk.refused("ivy", CommandAction.CLAIM, expected_version=1)

    assert refusal.detail.startswith("version 1, now 9: 3 earlier, attempt_recorded in intake_received by ivy, ")


def test_command_against_the_current_version_is_done() -> None:
    desk = Desk()

    desk.do("ivy", CommandAction.CLAIM, expected_version=1)


def test_somebody_of_another_network_does_not_learn_that_the_referral_exists() -> None:
    desk = Desk()

    foreign = desk.refused("ivy", CommandAction.CLAIM, network_id="elsewhere")
    unknown = desk.take(command("0000-0000-0000", "ivy", CommandAction.CLAIM, command_id="unknown"))

    assert foreign == unknown
    assert foreign.rule is Rule.UNKNOWN_REFERRAL
