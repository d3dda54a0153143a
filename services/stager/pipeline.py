"""The stager as a function from matches, commands and signals to changes of referrals."""

from collections.abc import Sequence
from typing import cast

import psycopg

from runtime import metrics
from runtime.audit import AuditEntry, append_audit, detail_of
from runtime.automation_log import AutomationEntry, append_automation_log
from runtime.delivery import Delivery
from runtime.pipeline import Outputs
from schemas.event import Event
from schemas.events import ReferralChanged, ReferralCommanded, ReferralMatched, ReferralState, SlaSignalled
from schemas.vocabulary import Role
from services.stager import store
from services.stager.rules.announcing import announce
from services.stager.rules.decision import Change, Decision, NoChange, Outcome, Refusal, Why
from services.stager.rules.rulebook import Rulebook
from services.stager.rules.transitions import Input, decide
from services.stager.working_set import CommandAnswer, WorkingSet

SERVICE = "stager"
#: what happens in any healthy system and nobody needs to read about
UNREMARKABLE = frozenset(
    {Why.EARLIER_STAY, Why.CLOCK_NOT_RUNNING, Why.ALREADY_REMINDED, Why.ALREADY_BREACHED, Why.SUPERSEDED}
)


class Stager:
    """Applies inputs to referrals by one set of rules."""

    service = SERVICE
    consumes: tuple[type[Event], ...] = (ReferralMatched, ReferralCommanded, SlaSignalled)
    produces: tuple[type[Event], ...] = (ReferralChanged, ReferralState)
    parks_by_key = True
    keeps_inbox = True

    def __init__(self, book: Rulebook, *, instance: str) -> None:
        self._book = book
        self._chain = f"{SERVICE}-{instance}"

    def handle(self, connection: psycopg.Connection, batch: Sequence[Delivery]) -> Outputs:
        """Decide a batch in order on the referrals it touches, and write what came out."""
        inputs = [(delivery, cast(Input, delivery.event)) for delivery in batch]
        working = store.load(connection, (event.referral_id for _, event in inputs), _known_versions(batch))
        log: list[AutomationEntry] = []
        outputs = {delivery.event_id: self._take(working, delivery, event, log) for delivery, event in inputs}
        store.save(connection, working)
        append_audit(connection, self._chain, [_audit_entry(change) for change in working.changes])
        append_automation_log(connection, SERVICE, log)
        _count(working)
        return outputs

    def _take(
        self, working: WorkingSet, delivery: Delivery, event: Input, log: list[AutomationEntry]
    ) -> Sequence[Event]:
        outcome = decide(self._book, working.subject(event.referral_id), event, delivery.recorded_at)
        if isinstance(outcome, Decision):
            working.apply(outcome)
        if isinstance(event, ReferralCommanded):
            working.answers.append(_answer(working, event, outcome))
        log.extend(_log_entries(delivery, event, outcome))
        if not isinstance(outcome, Decision):
            return ()
        return announce(outcome, working.open_tasks[event.referral_id].values())


def _known_versions(batch: Sequence[Delivery]) -> dict[str, int]:
    known: dict[str, int] = {}
    for delivery in batch:
        event = delivery.event
        if isinstance(event, ReferralCommanded) and event.expected_version is not None:
            known[event.referral_id] = min(event.expected_version, known.get(event.referral_id, event.expected_version))
    return known


def _answer(working: WorkingSet, command: ReferralCommanded, outcome: Outcome) -> CommandAnswer:
    referral = working.referrals.get(command.referral_id)
    is_theirs = referral is not None and referral.network_id == command.network_id
    is_refused = isinstance(outcome, Refusal)
    return CommandAnswer(
        network_id=command.network_id,
        command_id=command.event_id,
        referral_id=command.referral_id,
        action=command.action,
        outcome="refused" if is_refused else "applied",
        refusal=outcome.rule if isinstance(outcome, Refusal) else None,
        detail=None if isinstance(outcome, Decision) else outcome.detail or None,
        version=referral.sequence if referral is not None and is_theirs else None,
        by_user=command.by_user,
        by_role=command.by_role,
        at=command.at,
    )


def _log_entries(delivery: Delivery, event: Input, outcome: Outcome) -> Sequence[AutomationEntry]:
    if isinstance(outcome, Refusal) and isinstance(event, ReferralCommanded) and event.by_role is Role.SERVICE:
        kind, detail = "command_refused", f"{event.action}: {outcome.rule}: {outcome.detail}"
    elif isinstance(outcome, NoChange) and outcome.why not in UNREMARKABLE:
        kind, detail = "input_ignored", f"{event.schema_name}: {outcome.why}"
    else:
        return ()
    return (
        AutomationEntry(
            at=delivery.recorded_at,
            kind=kind,
            event_id=delivery.event_id,
            referral_id=event.referral_id,
            detail=detail,
        ),
    )


def _audit_entry(change: Change) -> AuditEntry:
    after, cause = change.after, change.cause
    return AuditEntry(
        at=cause.recorded_at,
        actor=cause.actor,
        actor_role=cause.actor_role,
        action=change.kind,
        network_id=after.network_id,
        clinic_id=after.clinic_id,
        referral_id=after.referral_id,
        patient_id=after.patient_id,
        cause_id=cause.cause_id,
        detail=detail_of(
            {
                "sequence": after.sequence,
                "stage": after.stage,
                "previous_stage": change.previous_stage,
                "reason_code": change.reason_code,
                "owner_user": after.owner_user,
                "priority": after.priority,
            }
        ),
    )


def _count(working: WorkingSet) -> None:
    for change in working.changes:
        metrics.REFERRAL_CHANGES.labels(change.kind).inc()
    for answer in working.answers:
        metrics.COMMANDS.labels(answer.action, answer.refusal or answer.outcome).inc()
