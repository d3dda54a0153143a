from datetime import timedelta

from schemas.vocabulary import ChangeKind, ClockState, MatchKind, MissingItem, Priority, Stage
from services.stager.rules.decision import Decision, Why
from services.stager.rules.referral import TaskStatus
from tests.support.stager import FRIDAY, Desk, document, match


def test_complete_referral_arrives_in_intake_received_with_owner_task_and_due_time() -> None:
    desk = Desk()

    referral = desk.referral
    assert (referral.stage, referral.owner_queue) == (Stage.INTAKE_RECEIVED, "riverside.harbor.intake")
    assert (referral.clock, referral.due_at) == (ClockState.RUNNING, FRIDAY + timedelta(hours=24))
    assert referral.remind_at == FRIDAY + timedelta(hours=22)
    assert desk.task_types == ["Review new referral"]
    assert desk.tasks[0].due_at == referral.due_at
    assert (referral.sequence, referral.stage_entry) == (1, 1)


def test_incomplete_referral_arrives_in_needs_info_with_its_missing_items() -> None:
    desk = Desk(missing_items=(MissingItem.DATE_OF_BIRTH,))

    assert desk.referral.stage is Stage.INTAKE_NEEDS_INFO
    assert desk.referral.missing_items == (MissingItem.DATE_OF_BIRTH,)
    assert desk.task_types == ["Complete missing items"]


def test_voicemail_asks_to_call_back() -> None:
    desk = Desk(missing_items=(MissingItem.PATIENT_NAME, MissingItem.CALL_BACK))

    assert desk.task_types == ["Call patient/referrer to complete intake"]


def test_urgent_referral_is_due_earlier_and_a_stage_shorter_than_the_lead_is_not_reminded() -> None:
    desk = Desk(priority=Priority.STAT)

    assert desk.referral.due_at == FRIDAY + timedelta(hours=1)
    assert desk.referral.remind_at is None


def test_documents_are_kept_as_pointers() -> None:
    desk = Desk(documents=(document(1), document(2)))

    assert len(desk.working.documents) == 2
    assert {one.received_at for one in desk.working.documents.values()} == {FRIDAY}


def test_the_same_arrival_again_changes_nothing() -> None:
    desk = Desk()

    assert desk.ignored(match(event_id="another")).why is Why.ALREADY_OPENED


def test_completing_correction_moves_on_by_itself_in_two_facts() -> None:
    desk = Desk(missing_items=(MissingItem.DATE_OF_BIRTH,))

    outcome = desk.take(match(kind=MatchKind.CORRECTED, by="ivy", patient_id="other"))

    assert isinstance(outcome, Decision)
    assert [change.kind for change in outcome.changes] == [ChangeKind.INFORMATION_ADDED, ChangeKind.STAGE_CHANGED]
    assert [change.after.sequence for change in outcome.changes] == [2, 3]
    assert [task.status for task in outcome.tasks] == [TaskStatus.DONE, TaskStatus.OPEN]
    assert (desk.referral.stage, desk.referral.patient_id) == (Stage.INTAKE_RECEIVED, "other")
    assert outcome.changes[0].cause.actor == "ivy"


def test_partial_correction_stays_and_shows_what_is_left() -> None:
    desk = Desk(missing_items=(MissingItem.DATE_OF_BIRTH, MissingItem.PHONE))

    desk.take(match(kind=MatchKind.CORRECTED, missing_items=(MissingItem.PHONE,)))

    assert (desk.referral.stage, desk.referral.missing_items) == (Stage.INTAKE_NEEDS_INFO, (MissingItem.PHONE,))
    assert desk.task_types == ["Complete missing items"]


def test_correction_elsewhere_than_in_needs_info_moves_nothing() -> None:
    desk = Desk()
    desk.move("ivy", Stage.ELIGIBILITY)

    desk.take(match(kind=MatchKind.CORRECTED, specialty="oncology"))

    assert (desk.referral.stage, desk.referral.specialty) == (Stage.ELIGIBILITY, "oncology")


def test_correction_of_another_network_is_ignored() -> None:
    desk = Desk()

    outcome = desk.ignored(match(kind=MatchKind.CORRECTED, network_id="elsewhere"))

    assert outcome.why is Why.FOREIGN_NETWORK
