from typing import Any

import pytest

from baton.wishes import Action, Unusable, Wish, command_body, correction_body

REFERRAL: dict[str, Any] = {
    "referral_id": "AAAA-BBBB-CCCC",
    "version": 7,
    "open_tasks": [
        {"task_id": "t-1", "type": "Review new referral"},
        {"task_id": "t-2", "type": "Complete missing items"},
    ],
}


def test_a_command_is_made_against_the_version_that_was_read() -> None:
    assert command_body(Wish(action=Action.CLAIM), REFERRAL) == {"action": "claim", "expected_version": 7}


def test_a_version_that_was_given_counts_more() -> None:
    assert command_body(Wish(action=Action.CLAIM, version=5), REFERRAL)["expected_version"] == 5


@pytest.mark.parametrize("typed", ["ready_to_schedule", "Ready to Schedule", "ready-to-schedule"])
def test_a_stage_may_be_written_as_people_write_it(typed: str) -> None:
    assert command_body(Wish(action=Action.MOVE, to=typed), REFERRAL)["to_stage"] == "ready_to_schedule"


def test_a_task_is_named_by_id_or_type() -> None:
    by_id = command_body(Wish(action=Action.COMPLETE, value="t-1"), REFERRAL)
    by_type = command_body(Wish(action=Action.COMPLETE, type="complete missing items"), REFERRAL)

    assert (by_id["task_id"], by_type["task_id"]) == ("t-1", "t-2")


def test_the_only_open_task_needs_no_name() -> None:
    one = {**REFERRAL, "open_tasks": REFERRAL["open_tasks"][:1]}

    assert command_body(Wish(action=Action.COMPLETE), one)["task_id"] == "t-1"


@pytest.mark.parametrize(
    "wish",
    [
        Wish(action=Action.COMPLETE),
        Wish(action=Action.COMPLETE, type="No such task"),
        Wish(action=Action.MOVE),
        Wish(action=Action.ATTEMPT),
        Wish(action=Action.CLOSE),
        Wish(action=Action.PRIORITY),
        Wish(action=Action.NOTE),
        Wish(action=Action.APPOINTMENT, id="a-1"),
        Wish(action=Action.APPOINTMENT, status="booked"),
    ],
)
def test_an_incomplete_wish_is_unusable(wish: Wish) -> None:
    with pytest.raises(Unusable):
        command_body(wish, REFERRAL)


def test_an_appointment_goes_by_the_scheduling_systems_own_version() -> None:
    wish = Wish(action=Action.APPOINTMENT, id="a-1", status="no-show", at="2026-12-01T10:00:00-05:00", version=3)

    assert command_body(wish, REFERRAL) == {
        "action": "record_appointment",
        "appointment_id": "a-1",
        "appointment_status": "noshow",
        "appointment_at": "2026-12-01T10:00:00-05:00",
        "appointment_version": 3,
    }


def test_a_close_carries_its_reason_and_comment() -> None:
    wish = Wish(action=Action.CLOSE, reason="other", comment="moved away")

    assert command_body(wish, REFERRAL) == {
        "action": "close",
        "reason_code": "other",
        "comment": "moved away",
        "expected_version": 7,
    }


def test_a_correction_carries_only_what_was_given() -> None:
    wish = Wish(action=Action.CORRECT, birth_date="1984-03-09", reason="chest pain")

    assert correction_body(wish, REFERRAL) == {
        "referral_id": "AAAA-BBBB-CCCC",
        "birth_date": "1984-03-09",
        "reason": "chest pain",
    }


def test_a_correction_of_nothing_is_unusable() -> None:
    with pytest.raises(Unusable):
        correction_body(Wish(action=Action.CORRECT), REFERRAL)
