"""What staff do with a referral of their queue, stage by stage, and how long it takes them to get to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from schemas.vocabulary import Stage

#: stage, version and the rest of a referral as the board tells it
Row = Mapping[str, Any]
#: the body of a command without its id
Step = dict[str, object]


@dataclass(frozen=True)
class Choice:
    """One thing a member of staff may do next, and how often it is chosen."""

    weight: float
    make: Callable[[Random, Row], Step]


def _move(to: Stage, reason: str | None = None, comment: str | None = None) -> Callable[..., Step]:
    return lambda _random, _referral: {
        "action": "move",
        "to_stage": to.value,
        "reason_code": reason,
        "comment": comment,
    }


def _go_back(random: Random, referral: Row) -> Step:
    """Return to the stage that was interrupted: none was, where something was missing from the beginning."""
    if referral["missing_items"]:
        return _move(Stage.INTAKE_NEEDS_INFO, "demographics_missing")(random, referral)
    return _move(Stage.DOCUMENTATION)(random, referral)


def _attempt(outcome: str) -> Callable[..., Step]:
    return lambda _random, _referral: {"action": "record_attempt", "outcome": outcome}


def _book(random: Random, referral: Row) -> Step:
    at = datetime.now(UTC) + timedelta(seconds=random.randint(30, 150))
    return _appointment("booked", at.isoformat(), referral)


def _end(status: str) -> Callable[..., Step]:
    return lambda _random, referral: _appointment(status, referral["appointment_at"], referral)


def _appointment(status: str, at: str | None, referral: Row) -> Step:
    return {
        "action": "record_appointment",
        "appointment_id": f"APT-{referral['referral_id']}",
        "appointment_status": status,
        "appointment_at": at,
        "appointment_version": int(referral["version"]),
    }


#: who works a stage, and what they do there
WORK: Mapping[Stage, tuple[str, tuple[Choice, ...]]] = {
    Stage.INTAKE_RECEIVED: ("ivy", (Choice(1.0, _move(Stage.ELIGIBILITY)),)),
    #: when they do not complete it
    Stage.INTAKE_NEEDS_INFO: (
        "ivy",
        (
            Choice(0.7, _move(Stage.WAITING_ON_REFERRING_OFFICE, "clarification_needed", "Asked for what is missing.")),
            Choice(0.3, _move(Stage.CLOSED_UNABLE_TO_SCHEDULE, "withdrawn_by_referrer")),
        ),
    ),
    Stage.ELIGIBILITY: (
        "eli",
        (
            Choice(0.94, _move(Stage.DOCUMENTATION)),
            Choice(0.06, _move(Stage.CLOSED_UNABLE_TO_SCHEDULE, "insurance_not_accepted")),
        ),
    ),
    Stage.DOCUMENTATION: (
        "dora",
        (
            Choice(0.8, _move(Stage.CLINICAL_REVIEW)),
            Choice(0.2, _move(Stage.WAITING_ON_REFERRING_OFFICE, "documents_missing")),
        ),
    ),
    Stage.WAITING_ON_REFERRING_OFFICE: (
        "dora",
        (
            Choice(0.8, _go_back),
            Choice(0.1, _attempt("no_answer")),
            Choice(0.1, _move(Stage.CLOSED_UNABLE_TO_SCHEDULE, "referring_office_silent")),
        ),
    ),
    Stage.CLINICAL_REVIEW: (
        "cleo",
        (
            Choice(0.92, _move(Stage.READY_TO_SCHEDULE)),
            Choice(0.08, _move(Stage.DOCUMENTATION, "documents_incomplete")),
        ),
    ),
    Stage.READY_TO_SCHEDULE: (
        "sam",
        (
            Choice(0.8, _book),
            Choice(0.1, _attempt("left_message")),
            Choice(0.1, _move(Stage.PATIENT_UNREACHABLE, "no_answer")),
        ),
    ),
    Stage.PATIENT_UNREACHABLE: (
        "ivy",
        (
            Choice(0.8, _move(Stage.READY_TO_SCHEDULE)),
            Choice(0.2, _move(Stage.CLOSED_UNABLE_TO_SCHEDULE, "patient_not_reached")),
        ),
    ),
    Stage.SCHEDULED: (
        "sam",
        (Choice(0.8, _end("fulfilled")), Choice(0.12, _end("noshow")), Choice(0.08, _end("cancelled"))),
    ),
    Stage.NO_SHOW: ("sam", (Choice(1.0, _move(Stage.READY_TO_SCHEDULE)),)),
    Stage.CANCELLED: ("sam", (Choice(1.0, _move(Stage.READY_TO_SCHEDULE)),)),
}


def choose(random: Random, referral: Row) -> tuple[str, Step]:
    """Return who does what with a referral next."""
    user, choices = WORK[Stage(referral["stage"])]
    choice = random.choices(choices, [choice.weight for choice in choices])[0]
    step = choice.make(random, referral)
    return user, {name: value for name, value in step.items() if value is not None}


def taken_up_at(referral: Row, takes_s: float) -> datetime:
    """Return when somebody gets to a referral that came to a queue; no outcome is known before the appointment."""
    came = datetime.fromisoformat(referral["stage_entered_at"])
    if referral["stage"] == Stage.SCHEDULED and takes_s and referral["appointment_at"]:
        came = max(came, datetime.fromisoformat(referral["appointment_at"]))
    return came + how_long(f"{referral['referral_id']}-{referral['stage_entry']}", takes_s)


def how_long(what: str, takes_s: float) -> timedelta:
    """Return how long a thing lies before somebody gets to it: mostly short, now and then too long."""
    return timedelta(seconds=Random(what).expovariate(1.0) * takes_s)
