"""The stager on a real Postgres: what the rules decide is what the tables and the events say."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from baton.migrations import migrate
from runtime.postgres import connect
from schemas.events import ReferralChanged, ReferralState
from schemas.vocabulary import (
    AppointmentStatus,
    ChangeKind,
    CommandAction,
    MatchKind,
    MissingItem,
    SignalKind,
    Stage,
)
from tests.support.real_stager import RealStager, settings_of
from tests.support.stager import FRIDAY, command, document, match, signal


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    migrate(database_url)
    with connect(settings_of(database_url), role="stager") as opened:
        yield opened


@pytest.fixture
def stager(connection: psycopg.Connection) -> RealStager:
    return RealStager(connection)


def open_referral(stager: RealStager, number: int = 1, **fields: Any) -> str:
    event = match(number, **fields)
    stager.handle(event)
    return event.referral_id


def test_arrival_writes_referral_history_task_and_documents_together(stager: RealStager) -> None:
    referral_id = open_referral(stager, missing_items=(MissingItem.CALL_BACK,), documents=(document(1), document(2)))

    referral = stager.row("SELECT * FROM stager.referral WHERE referral_id = %s", referral_id)
    task = stager.row("SELECT * FROM stager.task WHERE referral_id = %s", referral_id)
    history = stager.row("SELECT * FROM stager.stage_history WHERE referral_id = %s", referral_id)
    assert (referral["stage"], referral["missing_items"]) == ("intake_needs_info", ["call_back"])
    assert (referral["version"], referral["sequence"], history["sequence"]) == (1, 1, 1)
    assert referral["due_at"] == FRIDAY + timedelta(hours=24)
    assert (task["type"], task["status"]) == ("Call patient/referrer to complete intake", "open")
    assert (history["kind"], history["effective_at"]) == ("opened", FRIDAY)
    assert history["recorded_at"] == FRIDAY + timedelta(seconds=1)
    assert stager.row("SELECT count(*) AS n FROM stager.document")["n"] == 2
    assert [type(event) for event in stager.events] == [ReferralChanged, ReferralState]


def test_arrival_and_commands_in_one_batch_find_each_other(stager: RealStager) -> None:
    event = match()
    claim = command(event.referral_id, "ivy", CommandAction.CLAIM, command_id="1", expected_version=1)
    move = command(event.referral_id, "ivy", CommandAction.MOVE, command_id="2", to_stage=Stage.ELIGIBILITY)

    outputs = stager.handle(event, claim, move)

    assert [len(outputs[one.event_id]) for one in (event, claim, move)] == [2, 2, 2]
    assert [change.sequence for change in stager.changes(event.referral_id)] == [1, 2, 3]
    assert stager.referral(event.referral_id).stage is Stage.ELIGIBILITY


def test_what_is_written_is_what_was_decided(stager: RealStager) -> None:
    referral_id = open_referral(stager, documents=(document(),), specialty="cardiology")
    stager.move(referral_id, "sue", Stage.ELIGIBILITY, Stage.DOCUMENTATION, Stage.CLINICAL_REVIEW)
    stager.move(referral_id, "cleo", Stage.READY_TO_SCHEDULE)
    stager.ask(
        referral_id,
        "booking",
        CommandAction.RECORD_APPOINTMENT,
        appointment_id="a1",
        appointment_status=AppointmentStatus.BOOKED,
        appointment_at=FRIDAY + timedelta(days=9),
        appointment_version=3,
    )

    referral = stager.referral(referral_id)

    state = [event for event in stager.events if isinstance(event, ReferralState)][-1]
    assert (referral.stage, referral.sequence) == (state.stage, state.sequence)
    assert referral.due_at == state.due_at == FRIDAY + timedelta(days=10)
    (appointment,) = referral.appointments
    assert (appointment.version, appointment.told_at, appointment.status) == (3, FRIDAY, AppointmentStatus.BOOKED)
    assert state.open_tasks == ("Record outcome of appointment",)


def test_illegal_move_is_refused_with_the_rule_and_changes_nothing(stager: RealStager) -> None:
    referral_id = open_referral(stager)

    answer = stager.ask(referral_id, "ivy", CommandAction.MOVE, to_stage=Stage.SCHEDULED)

    assert (answer["outcome"], answer["refusal"], answer["version"]) == ("refused", "illegal_transition", 1)
    assert "intake_received -> scheduled" in answer["detail"]
    assert stager.referral(referral_id).sequence == 1
    assert len(stager.events) == 2


def test_stale_command_is_refused_with_what_changed_meanwhile(stager: RealStager) -> None:
    referral_id = open_referral(stager)
    stager.ask(referral_id, "ivy", CommandAction.CLAIM)
    stager.move(referral_id, "ivy", Stage.ELIGIBILITY)

    answer = stager.ask(referral_id, "ivy", CommandAction.CLOSE, expected_version=1, reason_code="patient_declined")

    assert (answer["refusal"], answer["version"]) == ("stale_version", 3)
    assert answer["detail"] == (
        "version 1, now 3: owner_changed in intake_received by ivy, stage_changed to eligibility by ivy"
    )


def test_command_for_an_unknown_referral_is_answered_and_told_to_nobody_else(stager: RealStager) -> None:
    referral_id = match().referral_id

    answer = stager.ask(referral_id, "ivy", CommandAction.CLAIM)

    assert (answer["refusal"], answer["version"]) == ("unknown_referral", None)
    assert stager.events == []


def test_what_a_system_may_not_do_is_in_the_automation_log(stager: RealStager) -> None:
    referral_id = open_referral(stager)

    stager.ask(referral_id, "booking", CommandAction.CLAIM)

    entry = stager.row("SELECT * FROM stager.automation_log")
    assert (entry["kind"], entry["referral_id"]) == ("command_refused", referral_id)
    assert entry["detail"].startswith("claim: role_not_allowed")


def test_signal_of_an_earlier_stay_is_ignored_and_of_an_unknown_referral_logged(stager: RealStager) -> None:
    referral_id = open_referral(stager)
    late = signal(stager.referral(referral_id), SignalKind.BREACH)
    stager.move(referral_id, "ivy", Stage.ELIGIBILITY)
    told = len(stager.events)

    stager.handle(late, signal(stager.referral(referral_id), SignalKind.BREACH, referral_id="unknown", event_id="u"))

    assert (len(stager.events), stager.referral(referral_id).breached) == (told, False)
    assert [row["referral_id"] for row in stager.rows("SELECT * FROM stager.automation_log")] == ["unknown"]


def test_breach_is_in_history_and_on_the_supervisors_queue(stager: RealStager) -> None:
    referral_id = open_referral(stager)

    stager.handle(signal(stager.referral(referral_id), SignalKind.BREACH))

    history = stager.row("SELECT * FROM stager.stage_history WHERE kind = 'breached'")
    task = stager.row("SELECT * FROM stager.task WHERE owner_queue = 'riverside.harbor.supervisor'")
    assert history["breached"]
    assert history["effective_at"] == FRIDAY + timedelta(hours=24)
    assert task["type"] == "Escalation: overdue"
    assert stager.changes(referral_id)[-1].kind is ChangeKind.BREACHED


def test_claim_and_release_are_recorded_transfers(stager: RealStager) -> None:
    referral_id = open_referral(stager)

    stager.ask(referral_id, "ivy", CommandAction.CLAIM)
    stager.ask(referral_id, "ivy", CommandAction.RELEASE)

    owners = [row["owner_user"] for row in stager.rows("SELECT owner_user FROM stager.stage_history ORDER BY sequence")]
    assert owners == [None, "ivy", None]


def test_close_and_reopen_count_rework(stager: RealStager) -> None:
    referral_id = open_referral(stager)
    stager.ask(referral_id, "ivy", CommandAction.CLOSE, reason_code="patient_declined")

    stager.ask(referral_id, "ivy", CommandAction.REOPEN, reason_code="patient_came_back")
    stager.move(referral_id, "ivy", Stage.ELIGIBILITY)
    stager.move(referral_id, "eli", Stage.INTAKE_RECEIVED, reason_code="wrong_patient_data")

    assert stager.referral(referral_id).rework_count == 2
    assert stager.row("SELECT count(*) AS n FROM stager.stage_history WHERE is_rework")["n"] == 2


def test_news_of_appointments_come_out_of_order(stager: RealStager) -> None:
    referral_id = open_referral(stager)
    stager.move(referral_id, "sue", Stage.ELIGIBILITY, Stage.DOCUMENTATION, Stage.CLINICAL_REVIEW)
    stager.move(referral_id, "sue", Stage.READY_TO_SCHEDULE)

    def tell(status: AppointmentStatus, version: int) -> dict[str, Any]:
        return stager.ask(
            referral_id,
            "booking",
            CommandAction.RECORD_APPOINTMENT,
            appointment_id="a1",
            appointment_status=status,
            appointment_at=FRIDAY,
            appointment_version=version,
        )

    tell(AppointmentStatus.NO_SHOW, 3)
    late = tell(AppointmentStatus.BOOKED, 1)

    assert (late["outcome"], late["detail"]) == ("applied", "a later state of this appointment is known")
    referral = stager.referral(referral_id)
    assert (referral.stage, referral.owner_queue) == (Stage.NO_SHOW, "riverside.harbor.scheduling")
    assert referral.due_at is not None


def test_comments_stand_in_the_history_and_nowhere_else(stager: RealStager) -> None:
    referral_id = open_referral(stager)
    secret = "Zebulon Quartz called from 617-555-0142"

    stager.ask(referral_id, "ivy", CommandAction.ADD_NOTE, comment=secret)
    stager.ask(referral_id, "ivy", CommandAction.CLOSE, reason_code=secret)
    stager.ask(referral_id, "booking", CommandAction.CLOSE, reason_code=secret)
    stager.ask(referral_id, "ivy", CommandAction.COMPLETE_TASK, task_id=secret)

    assert stager.row("SELECT comment FROM stager.stage_history WHERE kind = 'note_added'")["comment"] == secret
    for table in ("stager.referral", "stager.task", "stager.command", "stager.automation_log", "audit.entry"):
        assert all("Zebulon" not in str(row) for row in stager.rows(f"SELECT * FROM {table}"))
    assert all("Zebulon" not in event.model_dump_json() for event in stager.events)


def test_correction_completes_the_referral_in_the_same_batch(stager: RealStager) -> None:
    arrival = match(missing_items=(MissingItem.DATE_OF_BIRTH,))
    correction = match(kind=MatchKind.CORRECTED, by="ivy", at=FRIDAY + timedelta(hours=1))

    outputs = stager.handle(arrival, correction)

    kinds = [event.kind for event in outputs[correction.event_id] if isinstance(event, ReferralChanged)]
    assert kinds == [ChangeKind.INFORMATION_ADDED, ChangeKind.STAGE_CHANGED]
    assert stager.referral(arrival.referral_id).stage is Stage.INTAKE_RECEIVED
