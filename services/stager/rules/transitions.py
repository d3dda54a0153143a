"""The one entrance to the rules: what an input does to a referral."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.events import ReferralCommanded, ReferralMatched, SlaSignalled
from schemas.vocabulary import ActorType, ChangeKind, MatchKind, Role
from services.stager.rules.arrival import correct_referral, open_referral
from services.stager.rules.commands import apply_command
from services.stager.rules.decision import Cause, NoChange, Outcome, PastChange, Refusal, Rule, Why
from services.stager.rules.draft import Draft
from services.stager.rules.referral import Referral, Task
from services.stager.rules.rulebook import Rulebook
from services.stager.rules.signals import apply_signal

Input = ReferralMatched | ReferralCommanded | SlaSignalled

#: how the stager calls those who act without being people
SLA_ACTOR = "sla"
MATCHER_ACTOR = "matcher"
#: the role of a person whose correction the matcher passes on
STAFF = "staff"
TOLD_CHANGES = 5


@dataclass(frozen=True, slots=True)
class Subject:
    """The referral that an input is about, as far as it is known."""

    referral: Referral | None = None
    open_tasks: tuple[Task, ...] = ()
    past: Sequence[PastChange] = ()  #: latest changes, for those who decided without knowing them


def decide(book: Rulebook, subject: Subject, event: Input, recorded_at: datetime) -> Outcome:
    """Decide what an input does; the same input on the same referral always does the same."""
    cause = cause_of(event, recorded_at)
    if isinstance(event, ReferralMatched):
        return _decide_match(book, subject, event, cause)
    if isinstance(event, ReferralCommanded):
        return _decide_command(book, subject, event, cause)
    return _decide_signal(book, subject, event, cause)


def cause_of(event: Input, recorded_at: datetime) -> Cause:
    """Return who stands behind an input, and when it happened."""
    if isinstance(event, ReferralCommanded):
        is_service = event.by_role is Role.SERVICE
        return Cause(
            cause_id=event.event_id,
            actor_type=ActorType.SERVICE if is_service else ActorType.USER,
            actor=event.by_user,
            actor_role=event.by_role,
            at=event.at,
            recorded_at=recorded_at,
        )
    if isinstance(event, ReferralMatched):
        is_service = event.by == MATCHER_ACTOR
        actor, at = event.by, event.at
    else:
        is_service, actor, at = True, SLA_ACTOR, event.fires_at
    return Cause(
        cause_id=event.event_id,
        actor_type=ActorType.SERVICE if is_service else ActorType.USER,
        actor=actor,
        actor_role=Role.SERVICE if is_service else STAFF,
        at=at,
        recorded_at=recorded_at,
    )


def _decide_match(book: Rulebook, subject: Subject, match: ReferralMatched, cause: Cause) -> Outcome:
    if subject.referral is None:
        return open_referral(book, match, cause)
    if match.kind is MatchKind.RECEIVED:
        return NoChange(Why.ALREADY_OPENED)
    return correct_referral(book, subject.referral, subject.open_tasks, match, cause)


def _decide_command(book: Rulebook, subject: Subject, command: ReferralCommanded, cause: Cause) -> Outcome:
    referral = subject.referral
    # somebody of another network must not even learn that the referral exists
    if referral is None or referral.network_id != command.network_id:
        return Refusal(Rule.UNKNOWN_REFERRAL, "no such referral in this network")
    if command.expected_version is not None and command.expected_version != referral.sequence:
        return Refusal(Rule.STALE_VERSION, _what_changed(referral, command.expected_version, subject.past))
    draft = Draft(referral, subject.open_tasks, cause)
    return apply_command(book, draft, command) or draft.decision()


def _decide_signal(book: Rulebook, subject: Subject, signal: SlaSignalled, cause: Cause) -> Outcome:
    if subject.referral is None:
        return NoChange(Why.UNKNOWN_REFERRAL)
    draft = Draft(subject.referral, subject.open_tasks, cause)
    return apply_signal(book, draft, signal) or draft.decision()


def _where(change: PastChange) -> str:
    return f"{'to' if change.kind is ChangeKind.STAGE_CHANGED else 'in'} {change.stage}"


def _what_changed(referral: Referral, expected: int, past: Sequence[PastChange]) -> str:
    since = [change for change in past if change.sequence > expected]
    told = [f"{change.kind} {_where(change)} by {change.actor}" for change in since[-TOLD_CHANGES:]]
    # versions are dense, so what is not told by name can be counted
    untold = referral.sequence - expected - len(told)
    more = [f"{untold} earlier"] if untold > 0 and told else []
    changes = ", ".join((*more, *told))
    return f"version {expected}, now {referral.sequence}" + (f": {changes}" if changes else "")
