"""What deciding about one input ends in: changes, a refusal, or nothing."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schemas.vocabulary import ActorType, AttemptOutcome, ChangeKind, Stage
from services.stager.rules.referral import DocumentPointer, Referral, Task


class Rule(StrEnum):
    """The rules that refuse commands."""

    UNKNOWN_REFERRAL = "unknown_referral"
    STALE_VERSION = "stale_version"
    INCOMPLETE_COMMAND = "incomplete_command"
    ILLEGAL_TRANSITION = "illegal_transition"
    STAGE_NOT_REACHED = "stage_not_reached"
    CLINICAL_REVIEW_REQUIRED = "clinical_review_required"
    ROLE_NOT_ALLOWED = "role_not_allowed"
    FIELDS_MISSING = "fields_missing"
    REASON_REQUIRED = "reason_required"
    REASON_NOT_EXPECTED = "reason_not_expected"
    UNKNOWN_REASON = "unknown_reason"
    REASON_NOT_ALLOWED = "reason_not_allowed"
    COMMENT_REQUIRED = "comment_required"
    REFERRAL_CLOSED = "referral_closed"
    REFERRAL_NOT_CLOSED = "referral_not_closed"
    ALREADY_CLAIMED = "already_claimed"
    NOT_CLAIMED = "not_claimed"
    TASK_NOT_OPEN = "task_not_open"
    MOVE_INSTEAD = "move_instead"
    PRIORITY_UNCHANGED = "priority_unchanged"


class Why(StrEnum):
    """Why an input changes nothing although nobody did anything wrong."""

    UNKNOWN_REFERRAL = "unknown_referral"
    FOREIGN_NETWORK = "foreign_network"
    EARLIER_STAY = "earlier_stay"
    CLOCK_NOT_RUNNING = "clock_not_running"
    ALREADY_REMINDED = "already_reminded"
    ALREADY_BREACHED = "already_breached"
    ALREADY_OPENED = "already_opened"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """Who asks for a change, when it happens and when Baton learns of it."""

    cause_id: str
    actor_type: ActorType
    actor: str
    actor_role: str
    at: datetime
    recorded_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One fact: a row of the history, an event and a row of the audit."""

    kind: ChangeKind
    cause: Cause
    previous_stage: Stage | None
    reason_code: str | None
    comment: str | None
    outcome: AttemptOutcome | None
    task_id: str | None
    is_rework: bool
    after: Referral


@dataclass(frozen=True, slots=True)
class PastChange:
    """What is told of a change to somebody who decided without knowing it."""

    sequence: int
    kind: ChangeKind
    stage: Stage
    actor: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Facts in order, and everything they touch."""

    changes: tuple[Change, ...]
    tasks: tuple[Task, ...]
    documents: tuple[DocumentPointer, ...] = ()

    @property
    def referral(self) -> Referral:
        """The referral after the last change."""
        return self.changes[-1].after


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command is not done; the rule that refuses it and what the person should know, without PHI."""

    rule: Rule
    detail: str


@dataclass(frozen=True, slots=True)
class NoChange:
    """An input has no effect."""

    why: Why
    detail: str = ""


Outcome = Decision | Refusal | NoChange
