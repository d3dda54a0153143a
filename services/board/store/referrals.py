"""Read referrals as one person sees them, and remember that they were read."""

from collections.abc import Sequence
from datetime import datetime

from schemas.vocabulary import ChangeKind
from services.board.answers import (
    AccessAnswer,
    ClinicalAnswer,
    DocumentAnswer,
    HistoryAnswer,
    InsuranceAnswer,
    LastEvent,
    OrderAnswer,
    PatientAnswer,
    ReferralAnswer,
    ReferralDetail,
    StayAnswer,
    TaskAnswer,
    TimelineAnswer,
)
from services.board.rules.access import ColumnGroup
from services.board.rules.waits import Entry, stays_of, waited_by_party
from services.board.store.session import PatientRead, Row, Session

_OPEN = "open"
_ENTERING = frozenset({ChangeKind.OPENED, ChangeKind.STAGE_CHANGED})


def read_summaries(session: Session, referral_ids: Sequence[str], *, action: str | None) -> tuple[ReferralAnswer, ...]:
    """Return referrals with their patients where the person sees identities; unknown and foreign ids are left out.

    Without an action, patients are left out and nothing is audited.
    """
    if not referral_ids:
        return ()
    rows = session.rows("summaries", referral_ids=list(referral_ids))
    identities = _identities(session, [row["referral_id"] for row in rows]) if action else {}
    if action:
        session.reads.extend(_read_of(row, action) for row in rows)
    return tuple(_summary(row, identities.get(row["referral_id"])) for row in rows)


def read_detail(session: Session, referral_id: str) -> ReferralDetail | None:
    """Return one referral with all that the person may see of it."""
    row = session.row("summaries", referral_ids=[referral_id])
    if row is None:
        return None
    session.reads.append(_read_of(row, "view_referral"))
    identity = _identities(session, [referral_id]).get(referral_id)
    summary = _summary(row, identity)
    clinical = session.row("clinical", referral_id=referral_id) if session.sees(ColumnGroup.CLINICAL) else None
    insurance = session.row("insurance", referral_id=referral_id) if session.sees(ColumnGroup.INSURANCE) else None
    return ReferralDetail(
        **summary.model_dump(),
        open_tasks=tuple(task for task in _tasks(session, referral_id) if task.status == _OPEN),
        documents=_documents(session, referral_id),
        order=OrderAnswer.model_validate(identity) if identity else None,
        clinical=ClinicalAnswer.model_validate(clinical) if clinical else None,
        insurance=InsuranceAnswer.model_validate(insurance) if insurance else None,
    )


def read_timeline(session: Session, referral_id: str, *, now: datetime) -> TimelineAnswer | None:
    """Return each stay of a referral and everything that happened."""
    row = session.row("summaries", referral_ids=[referral_id])
    if row is None:
        return None
    session.reads.append(_read_of(row, "view_timeline"))
    history = _history(session, referral_id)
    stays = stays_of(_entries(history), breached=_breached(history), now=now)
    return TimelineAnswer(
        referral_id=referral_id,
        received_at=row["received_at"],
        stays=tuple(StayAnswer.model_validate(stay, from_attributes=True) for stay in stays),
        waited_s_by_party=waited_by_party(stays),
        history=history,
        tasks=_tasks(session, referral_id),
        documents=_documents(session, referral_id),
    )


def read_access(session: Session, referral_id: str) -> tuple[AccessAnswer, ...] | None:
    """Return who can see a referral and why, as far as the person can see it."""
    rows = session.rows("who_can_see", referral_id=referral_id)
    return tuple(AccessAnswer.model_validate(row) for row in rows) or None


def original_of(session: Session, referral_id: str) -> str:
    """Return the referral that an id means: of the first message, where the id was told to whoever sent it again."""
    row = session.row("original", referral_id=referral_id)
    return referral_id if row is None else str(row["referral_id"])


def is_visible(session: Session, referral_id: str) -> bool:
    """Tell whether the person may know of a referral; reads nothing of it."""
    return session.row("referral_visible", referral_id=referral_id) is not None


def patient_of(row: Row) -> PatientAnswer:
    """Return the patient part of a row."""
    return PatientAnswer.model_validate(row)


def _summary(row: Row, identity: Row | None) -> ReferralAnswer:
    last = LastEvent(kind=row["last_kind"], at=row["last_at"], by=row["last_by"]) if row["last_kind"] else None
    patient = patient_of(identity) if identity else None
    return ReferralAnswer.model_validate({**row, "last_event": last, "patient": patient})


def _identities(session: Session, referral_ids: Sequence[str]) -> dict[str, Row]:
    if not referral_ids or not session.sees(ColumnGroup.IDENTITY):
        return {}
    return {row["referral_id"]: row for row in session.rows("identities", referral_ids=list(referral_ids))}


def _read_of(row: Row, action: str) -> PatientRead:
    return PatientRead(
        action=action, clinic_id=row["clinic_id"], referral_id=row["referral_id"], patient_id=row["patient_id"]
    )


def _tasks(session: Session, referral_id: str) -> tuple[TaskAnswer, ...]:
    return tuple(TaskAnswer.model_validate(row) for row in session.rows("referral_tasks", referral_id=referral_id))


def _documents(session: Session, referral_id: str) -> tuple[DocumentAnswer, ...]:
    return tuple(DocumentAnswer.model_validate(row) for row in session.rows("documents", referral_id=referral_id))


def _history(session: Session, referral_id: str) -> tuple[HistoryAnswer, ...]:
    comments: dict[int, str] = {}
    if session.sees(ColumnGroup.COMMENT):
        rows = session.rows("comments", referral_id=referral_id)
        comments = {row["sequence"]: row["comment"] for row in rows}
    return tuple(
        HistoryAnswer.model_validate({**row, "comment": comments.get(row["sequence"])})
        for row in session.rows("history", referral_id=referral_id)
    )


def _entries(history: Sequence[HistoryAnswer]) -> tuple[Entry, ...]:
    return tuple(
        Entry(
            stage=change.to_stage,
            stage_entry=change.stage_entry,
            at=change.effective_at,
            waiting_on=change.waiting_on,
            owner_queue=change.owner_queue,
            actor=change.actor,
            reason_code=change.reason_code,
        )
        for change in history
        if change.kind in _ENTERING
    )


def _breached(history: Sequence[HistoryAnswer]) -> frozenset[int]:
    return frozenset(change.stage_entry for change in history if change.kind is ChangeKind.BREACHED)
