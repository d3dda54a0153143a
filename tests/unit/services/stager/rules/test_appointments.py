from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.vocabulary import AppointmentStatus, ChangeKind, ClockState, CommandAction, SignalKind, Stage
from services.stager.rules.decision import Decision, NoChange, Rule, Why
from services.stager.rules.referral import Referral
from tests.support.stager import FRIDAY, Desk, signal

BOOKED, RESCHEDULED, CANCELLED = AppointmentStatus.BOOKED, AppointmentStatus.RESCHEDULED, AppointmentStatus.CANCELLED
NO_SHOW, COMPLETED = AppointmentStatus.NO_SHOW, AppointmentStatus.COMPLETED
NEXT_WEEK = FRIDAY + timedelta(days=7)


@pytest.fixture
def ready() -> Desk:
    desk = Desk()
    desk.to_ready()
    return desk


def test_booking_schedules_in_two_facts_and_is_due_after_the_appointment(ready: Desk) -> None:
    outcome = ready.appointment("a1", BOOKED, 1, appointment_at=NEXT_WEEK)

    assert isinstance(outcome, Decision)
    assert [change.kind for change in outcome.changes] == [ChangeKind.APPOINTMENT_RECORDED, ChangeKind.STAGE_CHANGED]
    assert (ready.referral.stage, ready.referral.appointment_at) == (Stage.SCHEDULED, NEXT_WEEK)
    assert ready.referral.due_at == NEXT_WEEK + timedelta(hours=24)
    assert ready.task_types == ["Record outcome of appointment"]


def test_the_same_news_twice_is_once(ready: Desk) -> None:
    ready.appointment("a1", BOOKED, 1)
    before = ready.referral

    again = ready.appointment("a1", BOOKED, 1)

    assert again == NoChange(Why.SUPERSEDED, "a later state of this appointment is known")
    assert ready.referral == before


def test_no_show_re_enters_the_scheduling_queue_with_a_clock(ready: Desk) -> None:
    ready.appointment("a1", BOOKED, 1)
    ready.now = NEXT_WEEK

    ready.appointment("a1", NO_SHOW, 2)

    referral = ready.referral
    assert (referral.stage, referral.owner_queue) == (Stage.NO_SHOW, "riverside.harbor.scheduling")
    assert (referral.clock, referral.due_at) == (ClockState.RUNNING, NEXT_WEEK + timedelta(hours=48))
    assert ready.task_types == ["Rebook patient after no-show"]
    assert referral.reason_code == "patient_did_not_come"


def test_a_cancelled_appointment_is_work_again(ready: Desk) -> None:
    ready.appointment("a1", BOOKED, 1)

    ready.appointment("a1", CANCELLED, 2, reason_code="cancelled_by_patient")

    assert (ready.referral.stage, ready.referral.reason_code) == (Stage.CANCELLED, "cancelled_by_patient")
    assert ready.task_types == ["Rebook or close after cancellation"]


def test_a_kept_appointment_ends_the_referral(ready: Desk) -> None:
    ready.appointment("a1", BOOKED, 1)

    ready.appointment("a1", COMPLETED, 2)

    assert (ready.referral.stage, ready.tasks) == (Stage.COMPLETED, ())


def test_a_moved_appointment_is_a_stay_of_its_own_with_a_new_clock(ready: Desk) -> None:
    ready.appointment("a1", BOOKED, 1, appointment_at=NEXT_WEEK)
    ready.take(signal(ready.referral, SignalKind.BREACH))
    entry = ready.referral.stage_entry

    ready.appointment("a1", RESCHEDULED, 2, appointment_at=NEXT_WEEK + timedelta(days=7))

    assert (ready.referral.stage, ready.referral.stage_entry) == (Stage.SCHEDULED, entry + 1)
    assert ready.referral.due_at == NEXT_WEEK + timedelta(days=8)
    assert not ready.referral.breached


def test_a_late_cancellation_of_the_old_appointment_does_not_hide_the_new_one(ready: Desk) -> None:
    ready.appointment("a1", BOOKED, 1, at=FRIDAY)
    ready.appointment("a2", BOOKED, 1, at=FRIDAY + timedelta(hours=1), appointment_at=NEXT_WEEK)

    ready.appointment("a1", CANCELLED, 2, at=FRIDAY + timedelta(hours=2))

    assert (ready.referral.stage, ready.referral.appointment_id) == (Stage.SCHEDULED, "a2")


def test_news_in_any_order_end_in_the_same_state() -> None:
    news: list[tuple[str, AppointmentStatus, int, dict[str, Any]]] = [
        ("a1", BOOKED, 1, {"at": FRIDAY}),
        ("a1", RESCHEDULED, 2, {"at": FRIDAY + timedelta(hours=1), "appointment_at": NEXT_WEEK}),
        ("a1", CANCELLED, 3, {"at": FRIDAY + timedelta(hours=2), "appointment_at": NEXT_WEEK}),
        ("a2", BOOKED, 1, {"at": FRIDAY + timedelta(hours=3), "appointment_at": NEXT_WEEK + timedelta(days=1)}),
        ("a2", NO_SHOW, 2, {"at": FRIDAY + timedelta(hours=4), "appointment_at": NEXT_WEEK + timedelta(days=1)}),
    ]
    ends = set()

    for order in permutations(news):
        desk = Desk()
        desk.to_ready()
        for appointment_id, status, version, fields in order:
            desk.appointment(appointment_id, status, version, **fields)
        referral = desk.referral
        ends.add((referral.stage, referral.appointment_id, referral.appointment_status, referral.appointment_at))

    assert ends == {(Stage.NO_SHOW, "a2", NO_SHOW, NEXT_WEEK + timedelta(days=1))}


@pytest.mark.parametrize("late", [NO_SHOW, CANCELLED, COMPLETED])
def test_late_news_of_the_old_appointment_do_not_hide_the_one_that_stands(ready: Desk, late: AppointmentStatus) -> None:
    ready.appointment("a1", BOOKED, 1, at=FRIDAY)
    ready.appointment("a2", BOOKED, 1, at=FRIDAY + timedelta(hours=1), appointment_at=NEXT_WEEK)

    ready.appointment("a1", late, 2, at=FRIDAY + timedelta(hours=2))

    referral = ready.referral
    assert (referral.stage, referral.appointment_id, referral.appointment_status) == (Stage.SCHEDULED, "a2", BOOKED)
    assert (referral.appointment_at, referral.due_at) == (NEXT_WEEK, NEXT_WEEK + timedelta(hours=24))


def test_a_booking_after_a_kept_appointment_stands(ready: Desk) -> None:
    ready.appointment("a1", COMPLETED, 2, at=FRIDAY)

    ready.appointment("a2", BOOKED, 1, at=FRIDAY - timedelta(hours=1), appointment_at=NEXT_WEEK)

    assert (ready.referral.stage, ready.referral.appointment_id) == (Stage.SCHEDULED, "a2")


def test_a_cancellation_that_is_told_before_the_booking_learns_when_it_was(ready: Desk) -> None:
    ready.appointment("a1", CANCELLED, 3, appointment_at=None)
    ready.appointment("a1", BOOKED, 1, appointment_at=NEXT_WEEK)
    ready.appointment("a1", RESCHEDULED, 2, appointment_at=NEXT_WEEK + timedelta(days=1))

    assert (ready.referral.stage, ready.referral.appointment_at) == (Stage.CANCELLED, NEXT_WEEK + timedelta(days=1))


News = tuple[str, AppointmentStatus, int, int | None]


@st.composite
def news_of_appointments(draw: st.DrawFn) -> list[News]:
    """Draw news of a few appointments, each with versions of its own; a start is a number of days, or not told."""
    news: list[News] = []
    for appointment_id in ("a1", "a2", "a3")[: draw(st.integers(1, 3))]:
        for version in range(1, draw(st.integers(1, 3)) + 1):
            status = draw(st.sampled_from(AppointmentStatus))
            news.append((appointment_id, status, version, draw(st.none() | st.integers(1, 30))))
    return news


def told_in_order(news: Sequence[News], told_at: Mapping[News, datetime]) -> Referral:
    desk = Desk()
    desk.to_ready()
    for one in news:
        appointment_id, status, version, days = one
        start = None if days is None else FRIDAY + timedelta(days=days)
        desk.appointment(appointment_id, status, version, at=told_at[one], appointment_at=start)
    return desk.referral


@given(news=news_of_appointments(), data=st.data())
@settings(max_examples=300, deadline=None)
def test_whatever_the_order_of_news_the_end_is_the_same_and_a_standing_booking_is_kept(
    news: list[News], data: st.DataObject
) -> None:
    moments = data.draw(st.permutations(range(len(news))), label="told at")
    told_at = {one: FRIDAY + timedelta(hours=hour) for one, hour in zip(news, moments, strict=True)}
    shuffled = data.draw(st.permutations(news), label="order of arrival")

    first, second = told_in_order(news, told_at), told_in_order(shuffled, told_at)

    assert ending(first) == ending(second)
    last = {appointment_id: status for appointment_id, status, *_ in news}
    if standing := {key for key, status in last.items() if status in (BOOKED, RESCHEDULED)}:
        assert second.stage is Stage.SCHEDULED
        assert second.appointment_id in standing


def ending(referral: Referral) -> tuple[object, ...]:
    known = [(one.appointment_id, one.status, one.version, one.starts_at, one.told_at) for one in referral.appointments]
    shown = (referral.stage, referral.appointment_id, referral.appointment_status, referral.appointment_at)
    return (*shown, known)


def test_a_time_that_a_person_gives_is_not_shown_as_that_of_a_cancelled_appointment(ready: Desk) -> None:
    ready.appointment("a1", BOOKED, 1)
    ready.appointment("a1", CANCELLED, 2)

    ready.move("sam", Stage.SCHEDULED, appointment_at=NEXT_WEEK)

    referral = ready.referral
    assert (referral.stage, referral.appointment_at) == (Stage.SCHEDULED, NEXT_WEEK)
    assert (referral.appointment_id, referral.appointment_status) == (None, None)


def test_a_person_who_follows_a_standing_booking_keeps_it(ready: Desk) -> None:
    ready.appointment("a1", BOOKED, 1, appointment_at=NEXT_WEEK)
    ready.move("sam", Stage.READY_TO_SCHEDULE, reason_code="appointment_void")

    ready.move("sam", Stage.SCHEDULED, appointment_at=NEXT_WEEK)

    assert (ready.referral.appointment_id, ready.referral.appointment_status) == ("a1", BOOKED)


def test_a_booking_before_scheduling_is_kept_and_skips_no_stage() -> None:
    desk = Desk()

    desk.appointment("a1", BOOKED, 1, appointment_at=NEXT_WEEK)

    assert (desk.referral.stage, desk.referral.appointment_at) == (Stage.INTAKE_RECEIVED, NEXT_WEEK)


def test_a_booking_reaches_a_patient_who_could_not_be_reached_while_scheduling(ready: Desk) -> None:
    ready.move("sam", Stage.PATIENT_UNREACHABLE, reason_code="no_answer")

    ready.appointment("a1", BOOKED, 1)

    assert ready.referral.stage is Stage.SCHEDULED


def test_news_of_a_closed_referral_are_kept_and_reopen_nothing(ready: Desk) -> None:
    ready.do("sam", CommandAction.CLOSE, reason_code="patient_declined")

    ready.appointment("a1", BOOKED, 1)

    assert ready.referral.stage is Stage.CLOSED_UNABLE_TO_SCHEDULE
    assert ready.referral.appointment_id == "a1"


def test_news_without_the_appointment_are_refused(ready: Desk) -> None:
    assert ready.refused("booking", CommandAction.RECORD_APPOINTMENT).rule is Rule.INCOMPLETE_COMMAND
