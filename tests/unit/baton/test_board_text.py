from datetime import UTC, datetime
from typing import Any

import pytest

from baton.board_text import duration, patient_name, referral_lines, timeline_lines

NOW = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
REFERRAL: dict[str, Any] = {
    "referral_id": "AAAA-BBBB-CCCC",
    "patient": {"last_name": "Sentinel", "given_name": "Mara", "birth_date": "1984-03-09"},
    "stage": "intake_needs_info",
    "stage_entered_at": "2026-11-20T15:40:00Z",
    "owner_queue": "riverside.harbor.intake",
    "owner_user": "ivy",
    "clock": "running",
    "due_at": "2026-11-20T19:40:00Z",
    "breached": False,
    "waiting_on": "clinic",
    "reason_code": None,
    "missing_items": ["date_of_birth", "phone"],
    "last_event": {"kind": "opened", "by": "stager", "at": "2026-11-20T15:40:00Z"},
    "version": 1,
}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "5 s"), (65, "1 min"), (3600, "1 h 0 min"), (90_000, "1 d 1 h"), (2 * 86400 + 3600 * 5, "2 d 5 h")],
)
def test_a_duration_is_told_in_its_largest_units(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_status_answers_where_who_when_and_why() -> None:
    text = "\n".join(referral_lines(REFERRAL, now=NOW))

    assert "AAAA-BBBB-CCCC  Sentinel, Mara  1984-03-09" in text
    assert "intake needs info" in text
    assert "riverside.harbor.intake · ivy" in text
    assert "2026-11-20 19:40 UTC, overdue by 1 h 20 min" in text
    assert "clinic, missing date of birth, phone" in text
    assert "opened by stager" in text


@pytest.mark.parametrize(("clock", "text"), [("paused", "clock paused"), ("stopped", "nothing is due")])
def test_a_referral_without_due_time_says_why(clock: str, text: str) -> None:
    assert text in "\n".join(referral_lines({**REFERRAL, "due_at": None, "clock": clock}, now=NOW))


def test_a_patient_who_is_not_shown_leaves_no_gap() -> None:
    assert patient_name(None) == ""
    assert next(referral_lines({**REFERRAL, "patient": None}, now=NOW)) == "AAAA-BBBB-CCCC"


def test_a_timeline_tells_the_waits_and_what_happened_in_them() -> None:
    timeline: dict[str, Any] = {
        "referral_id": "AAAA-BBBB-CCCC",
        "received_at": "2026-11-20T15:40:00Z",
        "stays": [
            {
                "since": "2026-11-20T15:40:00Z",
                "until": None,
                "stage": "eligibility",
                "stage_entry": 2,
                "waited_s": 7200,
                "waiting_on": "payer",
                "is_breached": True,
            }
        ],
        "history": [
            {
                "sequence": 3,
                "stage_entry": 2,
                "recorded_at": "2026-11-20T16:00:00Z",
                "kind": "attempt_recorded",
                "actor": "eli",
                "outcome": "no_answer",
            }
        ],
        "waited_s_by_party": {"payer": 7200},
        "tasks": [{"status": "open", "type": "Verify insurance eligibility", "task_id": "t-9"}],
    }

    text = "\n".join(timeline_lines(timeline))

    assert "now  eligibility: 2 h 0 min on payer, breached" in text
    assert "attempt recorded by eli (no_answer)" in text
    assert "waited 2 h 0 min on payer" in text
    assert "Verify insurance eligibility (t-9)" in text
