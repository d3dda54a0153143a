"""A referral arrives, or what is known about it changes (R13)."""

from collections.abc import Iterable

from schemas.events import ReferralMatched
from schemas.ids import queue_of
from schemas.vocabulary import ChangeKind, MatchKind, MissingItem, Stage
from services.stager.rules.decision import Cause, Decision, NoChange, Why
from services.stager.rules.draft import Draft
from services.stager.rules.entering import create_stage_tasks, enter_stage
from services.stager.rules.referral import DocumentPointer, Referral, Task
from services.stager.rules.rulebook import Rulebook
from services.stager.rules.stage_clock import StageClock, start_clock


def open_referral(book: Rulebook, match: ReferralMatched, cause: Cause) -> Decision:
    """Open a referral in the stage that its missing items ask for."""
    stage = book.table.arrives_incomplete if match.missing_items else book.table.arrives_complete
    clock = start_clock(book, book.stage(stage), match.priority, at=cause.at, used_s=0, appointment_at=None)
    draft = Draft(_arrived(book, match, cause, stage, clock), (), cause)
    create_stage_tasks(book, draft, clock)
    draft.record(ChangeKind.OPENED)
    draft.documents = _documents(match)
    return draft.decision()


def correct_referral(
    book: Rulebook, referral: Referral, tasks: Iterable[Task], match: ReferralMatched, cause: Cause
) -> Decision | NoChange:
    """Take over what a correction completed; with nothing missing any more a referral leaves Needs Info by itself."""
    if match.network_id != referral.network_id:
        return NoChange(Why.FOREIGN_NETWORK)
    draft = Draft(referral, tasks, cause)
    draft.documents = _documents(match)
    draft.record(
        ChangeKind.INFORMATION_ADDED,
        patient_id=match.patient_id,
        specialty=match.specialty,
        referring_provider=match.referring_provider,
        referring_organisation=match.referring_organisation,
        referring_contact=match.referring_contact,
        has_insurance=match.has_insurance,
        has_authorisation=match.has_authorisation,
        missing_items=_without(match.missing_items, referral.settled_items),
    )
    advance_when_complete(book, draft)
    return draft.decision()


def advance_when_complete(book: Rulebook, draft: Draft) -> bool:
    """Move a referral on from a stage that only waits for missing items, when none is left; tell whether it moved."""
    target = book.stage(draft.referral.stage).when_complete
    if target is None or draft.referral.missing_items:
        return False
    enter_stage(book, draft, target, completes_tasks=True)
    return True


def _without(items: Iterable[MissingItem], settled: Iterable[MissingItem]) -> tuple[MissingItem, ...]:
    done = frozenset(settled)
    return tuple(item for item in items if item not in done)


def _arrived(book: Rulebook, match: ReferralMatched, cause: Cause, stage: Stage, clock: StageClock) -> Referral:
    rule = book.stage(stage)
    return Referral(
        network_id=match.network_id,
        referral_id=match.referral_id,
        clinic_id=match.clinic_id,
        patient_id=match.patient_id,
        submission_id=match.submission_id,
        channel=match.channel,
        received_at=match.received_at,
        specialty=match.specialty,
        referring_provider=match.referring_provider,
        referring_organisation=match.referring_organisation,
        referring_contact=match.referring_contact,
        has_insurance=match.has_insurance,
        has_authorisation=match.has_authorisation,
        priority=match.priority,
        stage=stage,
        stage_entry=1,
        stage_entered_at=cause.at,
        clock=clock.state,
        clock_started_at=clock.started_at,
        used_s=clock.used_s,
        remind_at=clock.remind_at,
        due_at=clock.due_at,
        owner_queue=queue_of(match.network_id, match.clinic_id, rule.team),
        owner_user=None,
        waiting_on=rule.waiting_on,
        missing_items=match.missing_items,
        settled_items=(),
        reason_code=None,
        reminded=False,
        breached=False,
        interrupted_stage=None,
        interrupted_used_s=0.0,
        rework_count=0,
        appointment_id=None,
        appointment_status=None,
        appointment_at=None,
        appointments=(),
        stage_table_version=book.table.version,
        sla_policy=book.policy.label,
        sequence=0,
        updated_at=cause.recorded_at,
    )


def _documents(match: ReferralMatched) -> tuple[DocumentPointer, ...]:
    return tuple(
        DocumentPointer(
            network_id=match.network_id,
            document_id=document.document_id,
            referral_id=match.referral_id,
            kind=document.kind,
            content_digest=document.content_digest,
            content_type=document.content_type,
            content_size=document.content_size,
            readable=document.readable,
            received_at=match.received_at if match.kind is MatchKind.RECEIVED else match.at,
        )
        for document in match.documents
    )
