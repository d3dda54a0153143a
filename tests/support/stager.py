"""Builders of what the stager reads: a test states only what matters to it."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from schemas.events import Document, ReferralCommanded, ReferralMatched, SlaSignalled
from schemas.ids import derived_id, named_id, referral_id_of
from schemas.vocabulary import (
    AppointmentStatus,
    AttemptOutcome,
    Channel,
    CommandAction,
    MatchKind,
    MatchOutcome,
    Role,
    SignalKind,
    Stage,
)
from services.stager.data_files import load_rulebook
from services.stager.rules.decision import Decision, NoChange, Outcome, Refusal
from services.stager.rules.referral import Referral, Task
from services.stager.rules.rulebook import Rulebook
from services.stager.rules.transitions import Input, decide
from services.stager.working_set import WorkingSet

NETWORK = "riverside"
CLINIC = "harbor"
#: a Friday afternoon
FRIDAY = datetime(2026, 3, 6, 15, 40, tzinfo=UTC)
STAFF = {
    "ivy": Role.INTAKE,
    "dora": Role.INTAKE,
    "eli": Role.ELIGIBILITY,
    "cleo": Role.CLINICAL_REVIEWER,
    "sam": Role.SCHEDULING,
    "sue": Role.SUPERVISOR,
    "audrey": Role.AUDITOR,
    "ada": Role.ADMINISTRATOR,
    "booking": Role.SERVICE,
}


@cache
def rulebook(policy: str = "standard") -> Rulebook:
    """Return the shipped rules under a policy."""
    return load_rulebook(policy)


def match(number: int = 1, **fields: Any) -> ReferralMatched:
    """Return the match of the number-th referral, complete unless told otherwise."""
    submission_id = named_id("submission", str(number))
    values: dict[str, Any] = {
        "event_id": named_id("match", str(number), str(fields.get("kind")), str(fields.get("at"))),
        "referral_id": referral_id_of(submission_id),
        "kind": MatchKind.RECEIVED,
        "network_id": NETWORK,
        "clinic_id": CLINIC,
        "submission_id": submission_id,
        "patient_id": named_id("patient", str(number)),
        "outcome": MatchOutcome.NEW_PATIENT,
        "rule": "no_candidate",
        "channel": Channel.FAX,
        "specialty": "cardiology",
        "received_at": FRIDAY,
        "accepted_at": FRIDAY,
        "at": FRIDAY,
    }
    return ReferralMatched(**(values | fields))


def document(number: int = 1) -> Document:
    """Return a pointer to a document."""
    return Document(
        document_id=named_id("document", str(number)),
        kind="referral_letter",
        content_digest=f"{number:064x}",
        content_type="application/pdf",
        content_size=1000,
        readable=True,
    )


def signal(referral: Referral, kind: SignalKind, **fields: Any) -> SlaSignalled:
    """Return the signal of a referral's current clock."""
    due_at = referral.due_at or referral.stage_entered_at
    fires_at = (referral.remind_at if kind is SignalKind.REMINDER else None) or due_at
    values: dict[str, Any] = {
        "event_id": named_id("signal", referral.referral_id, str(referral.stage_entry), kind),
        "referral_id": referral.referral_id,
        "network_id": referral.network_id,
        "clinic_id": referral.clinic_id,
        "kind": kind,
        "stage": referral.stage,
        "stage_entry": referral.stage_entry,
        "owner_queue": referral.owner_queue,
        "fires_at": fires_at,
        "fired_at": fires_at + timedelta(milliseconds=120),
        "due_at": due_at,
    }
    return SlaSignalled(**(values | fields))


class Desk:
    """One referral on a desk without a database: inputs go through the rules one after another."""

    def __init__(self, policy: str = "standard", **fields: Any) -> None:
        self.book = rulebook(policy)
        self.working = WorkingSet()
        self.now = FRIDAY
        self._number = 0
        self.referral_id = match(**fields).referral_id
        self.take(match(**fields))

    @property
    def referral(self) -> Referral:
        """The referral as it is now."""
        return self.working.referrals[self.referral_id]

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The open tasks."""
        return tuple(self.working.open_tasks[self.referral_id].values())

    @property
    def task_types(self) -> list[str]:
        """What people read of the open tasks."""
        return [task.type for task in self.tasks]

    def take(self, event: Input) -> Outcome:
        """Decide an input and keep what it changed."""
        outcome = decide(self.book, self.working.subject(event.referral_id), event, self.now + timedelta(seconds=1))
        if isinstance(outcome, Decision):
            self.working.apply(outcome)
        return outcome

    def wait(self, **duration: float) -> None:
        """Let time pass."""
        self.now += timedelta(**duration)

    def ask(self, user: str, action: CommandAction, **fields: Any) -> Outcome:
        """Let somebody ask for something now."""
        self._number += 1
        return self.take(
            command(self.referral_id, user, action, command_id=f"command-{self._number}", **({"at": self.now} | fields))
        )

    def do(self, user: str, action: CommandAction, **fields: Any) -> Decision:
        """Let somebody do something that must be allowed."""
        outcome = self.ask(user, action, **fields)
        assert isinstance(outcome, Decision), outcome
        return outcome

    def refused(self, user: str, action: CommandAction, **fields: Any) -> Refusal:
        """Let somebody ask for something that must be refused."""
        outcome = self.ask(user, action, **fields)
        assert isinstance(outcome, Refusal), outcome
        return outcome

    def ignored(self, event: Input) -> NoChange:
        """Take an input that must change nothing."""
        outcome = self.take(event)
        assert isinstance(outcome, NoChange), outcome
        return outcome

    def move(self, user: str, *stages: Stage, **fields: Any) -> Decision:
        """Move the referral through stages."""
        for stage in stages:
            decision = self.do(user, CommandAction.MOVE, to_stage=stage, **fields)
        return decision

    def appointment(self, appointment_id: str, status: AppointmentStatus, version: int, **fields: Any) -> Outcome:
        """Tell the news of an appointment as the scheduling system does."""
        values: dict[str, Any] = {
            "appointment_id": appointment_id,
            "appointment_status": status,
            "appointment_version": version,
            "appointment_at": FRIDAY + timedelta(days=20),
        }
        return self.ask("booking", CommandAction.RECORD_APPOINTMENT, **(values | fields))

    def to_ready(self) -> None:
        """Bring a complete referral to Ready to Schedule."""
        self.move("sue", Stage.ELIGIBILITY, Stage.DOCUMENTATION, Stage.CLINICAL_REVIEW, Stage.READY_TO_SCHEDULE)


def command(referral_id: str, user: str, action: CommandAction, *, command_id: str, **fields: Any) -> ReferralCommanded:
    """Return a command of a member of staff."""
    values: dict[str, Any] = {
        "event_id": named_id("command", referral_id, command_id),
        "referral_id": referral_id,
        "network_id": NETWORK,
        "action": action,
        "by_user": user,
        "by_role": STAFF[user],
        "at": FRIDAY,
    }
    if action is CommandAction.RECORD_ATTEMPT:
        values["outcome"] = AttemptOutcome.NO_ANSWER
    return ReferralCommanded(**(values | fields))


def event_ids(cause_id: str, count: int) -> Iterable[str]:
    """Return the ids of the events that an input causes."""
    return [derived_id(cause_id, index) for index in range(count)]
