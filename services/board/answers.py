"""What the API answers, field by field; a missing part is one the asking person's role does not see."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

from schemas.vocabulary import (
    ActorType,
    AttemptOutcome,
    ChangeKind,
    Channel,
    ClockState,
    CommandAction,
    Priority,
    Sex,
    Stage,
    WaitingOn,
)


class Answer(BaseModel):
    """Base of all answers: built from database rows, unknown columns left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class PatientAnswer(Answer):
    """Who the patient is; for roles that see identities."""

    patient_id: str
    given_name: str | None
    middle_name: str | None
    last_name: str | None
    birth_date: date | None
    sex: Sex | None
    phone: str | None
    mrn: str | None
    external_ids: tuple[str, ...]
    patient_version: int


class LastEvent(Answer):
    """The last thing that happened to a referral."""

    kind: ChangeKind
    at: datetime
    by: str


class ReferralAnswer(Answer):
    """Where a referral is, who owns the next step, when it is due and why it waits (R1)."""

    referral_id: str
    network_id: str
    clinic_id: str
    patient_id: str
    stage: Stage
    stage_entry: int
    stage_entered_at: datetime
    owner_queue: str
    owner_user: str | None
    clock: ClockState
    remind_at: datetime | None
    due_at: datetime | None
    waiting_on: WaitingOn
    priority: Priority
    missing_items: tuple[str, ...]
    reason_code: str | None
    breached: bool
    specialty: str | None
    channel: Channel
    received_at: datetime
    appointment_id: str | None
    appointment_status: str | None
    appointment_at: datetime | None
    referring_provider: str | None
    referring_organisation: str | None
    version: int
    updated_at: datetime
    last_event: LastEvent | None = None
    patient: PatientAnswer | None = None


class TaskAnswer(Answer):
    """A task, open or done."""

    task_id: str
    referral_id: str
    clinic_id: str
    type: str
    owner_queue: str
    owner_user: str | None
    due_at: datetime | None
    status: str
    stage_entry: int
    created_at: datetime
    completed_at: datetime | None
    completed_by: str | None


class DocumentAnswer(Answer):
    """A pointer to a stored document."""

    document_id: str
    kind: str
    content_digest: str
    content_type: str
    content_size: int
    readable: bool
    received_at: datetime


class OrderAnswer(Answer):
    """What was ordered and who sent it; for roles that see identities."""

    service: str | None
    order_number: str | None
    source: str


class ClinicalAnswer(Answer):
    """Why the patient was referred; for roles that see clinical data."""

    reason: str | None
    diagnosis_codes: tuple[str, ...]
    note: str | None


class InsuranceAnswer(Answer):
    """Who pays; for roles that see insurance data."""

    payer: str | None
    member_id: str | None
    authorisation_number: str | None


class ReferralDetail(ReferralAnswer):
    """One referral with everything the asking person may see."""

    open_tasks: tuple[TaskAnswer, ...] = ()
    documents: tuple[DocumentAnswer, ...] = ()
    order: OrderAnswer | None = None
    clinical: ClinicalAnswer | None = None
    insurance: InsuranceAnswer | None = None


class SearchAnswer(Answer):
    """What a search found; `is_complete` tells whether there was more than is shown."""

    referrals: tuple[ReferralAnswer, ...]
    is_complete: bool


class StayAnswer(Answer):
    """A time in one stage."""

    stage: Stage
    stage_entry: int
    since: datetime
    until: datetime | None
    waited_s: int
    waiting_on: WaitingOn
    owner_queue: str
    entered_by: str
    reason_code: str | None
    is_breached: bool
    is_current: bool


class HistoryAnswer(Answer):
    """One recorded change."""

    sequence: int
    kind: ChangeKind
    from_stage: Stage | None
    to_stage: Stage
    stage_entry: int
    waiting_on: WaitingOn
    owner_queue: str
    owner_user: str | None
    due_at: datetime | None
    actor_type: ActorType
    actor: str
    reason_code: str | None
    comment: str | None = None
    outcome: AttemptOutcome | None
    task_id: str | None
    breached: bool
    is_rework: bool
    effective_at: datetime
    recorded_at: datetime


class TimelineAnswer(Answer):
    """Each wait of a referral, on whom and how long, and all that happened in between (R3)."""

    referral_id: str
    received_at: datetime
    stays: tuple[StayAnswer, ...]
    waited_s_by_party: dict[WaitingOn, int]
    history: tuple[HistoryAnswer, ...]
    tasks: tuple[TaskAnswer, ...]
    documents: tuple[DocumentAnswer, ...]


class QueueAnswer(Answer):
    """How one queue stands."""

    queue: str
    open: int
    unclaimed: int
    overdue: int
    due_soon: int
    oldest_since: datetime | None
    next_due_at: datetime | None


class QueuePage(Answer):
    """A part of a queue, what is due first coming first; `next` asks for the following part."""

    queue: str
    referrals: tuple[ReferralAnswer, ...]
    next: str | None


class TaskPage(Answer):
    """A part of the tasks, what is due first coming first; `next` asks for the following part."""

    tasks: tuple[TaskAnswer, ...]
    next: str | None


class NoticeAnswer(Answer):
    """A queue was told that referrals need attention."""

    notice_id: str
    recipient_queue: str
    kind: str
    window_start: datetime
    window_end: datetime
    referral_ids: tuple[str, ...]
    created_at: datetime


class DuplicateAnswer(Answer):
    """Two patients who may be one, with the score of each field."""

    duplicate_id: str
    patient_id: str
    candidate_patient_id: str | None
    referral_id: str | None
    rule: str
    score: float
    field_scores: dict[str, object]
    state: str
    raised_at: datetime
    patient: PatientAnswer | None = None
    candidate: PatientAnswer | None = None


class CommandAnswer(Answer):
    """How a command ended; `pending` when nobody has answered it yet."""

    command_id: str
    referral_id: str | None = None
    action: CommandAction | None = None
    outcome: str
    rule: str | None = None
    detail: str | None = None
    version: int | None = None
    stage: Stage | None = None


class CorrectionAnswer(Answer):
    """How a correction ended; `pending` when nobody has dealt with it yet."""

    command_id: str
    patient_id: str
    outcome: str
    rule: str | None = None
    patient_version: int | None = None


class AccessAnswer(Answer):
    """Who can see a referral, and why (R29)."""

    user_id: str
    name: str
    role: str
    reason: str
    columns: tuple[str, ...]
