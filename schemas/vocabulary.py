"""The closed word lists that events carry; on the wire they are strings, so that a list can grow compatibly."""

from enum import StrEnum


class Channel(StrEnum):
    """The way a referral reached the clinic network (R12)."""

    MAIL = "mail"
    FAX = "fax"
    VOICEMAIL = "voicemail"
    CALLCENTRE = "callcentre"
    PORTAL = "portal"
    HL7 = "hl7"
    FHIR = "fhir"
    CSV = "csv"


class Priority(StrEnum):
    """How fast a referral must move; the words of FHIR request-priority."""

    ROUTINE = "routine"
    URGENT = "urgent"
    ASAP = "asap"
    STAT = "stat"


class Sex(StrEnum):
    """Administrative sex as far as the sender told it."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"


class MissingItem(StrEnum):
    """What a referral lacks before it can leave intake (R13, R15)."""

    PATIENT_NAME = "patient_name"
    DATE_OF_BIRTH = "date_of_birth"
    PHONE = "phone"
    SPECIALTY = "specialty"
    REFERRING_PROVIDER = "referring_provider"
    REASON = "reason"
    READABLE_DOCUMENT = "readable_document"
    DOCUMENT_PASSWORD = "document_password"  # noqa: S105
    SINGLE_PATIENT = "single_patient"
    MESSAGE_CONTENT = "message_content"
    CALL_BACK = "call_back"


class Stage(StrEnum):
    """Where a referral is (R5)."""

    INTAKE_RECEIVED = "intake_received"
    INTAKE_NEEDS_INFO = "intake_needs_info"
    ELIGIBILITY = "eligibility"
    DOCUMENTATION = "documentation"
    WAITING_ON_REFERRING_OFFICE = "waiting_on_referring_office"
    PATIENT_UNREACHABLE = "patient_unreachable"
    CLINICAL_REVIEW = "clinical_review"
    READY_TO_SCHEDULE = "ready_to_schedule"
    SCHEDULED = "scheduled"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    CLOSED_UNABLE_TO_SCHEDULE = "closed_unable_to_schedule"


class Team(StrEnum):
    """The team whose queue owns a stage (R2)."""

    INTAKE = "intake"
    ELIGIBILITY = "eligibility"
    DOCUMENTATION = "documentation"
    CLINICAL_REVIEW = "clinical_review"
    SCHEDULING = "scheduling"
    SUPERVISOR = "supervisor"


class Role(StrEnum):
    """Who a person is to Baton (R29); `service` is Baton itself or a connected system."""

    INTAKE = "intake"
    ELIGIBILITY = "eligibility"
    CLINICAL_REVIEWER = "clinical_reviewer"
    SCHEDULING = "scheduling"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    SERVICE = "service"


class MatchOutcome(StrEnum):
    """What matching decided about the patient (R16-R19)."""

    NEW_PATIENT = "new_patient"
    LINKED = "linked"
    POSSIBLE_DUPLICATE = "possible_duplicate"
    UNIDENTIFIED = "unidentified"


class MatchKind(StrEnum):
    """Why a match is announced: a referral arrived, or its patient's data were corrected."""

    RECEIVED = "received"
    CORRECTED = "corrected"


class CorrectionKind(StrEnum):
    """What a person decided about a patient (R18, R21)."""

    DEMOGRAPHICS = "demographics"
    MERGE = "merge"
    UNMERGE = "unmerge"
    REVIEW = "review"


class ReviewDecision(StrEnum):
    """A person's answer to a possible duplicate; it outranks every rule (R18)."""

    SAME = "same"
    NOT_SAME = "not_same"


class CommandAction(StrEnum):
    """What a person or connected system asks of one referral (R21, R28)."""

    MOVE = "move"
    CLAIM = "claim"
    RELEASE = "release"
    COMPLETE_TASK = "complete_task"
    RECORD_ATTEMPT = "record_attempt"
    CLOSE = "close"
    REOPEN = "reopen"
    RECORD_APPOINTMENT = "record_appointment"
    CHANGE_PRIORITY = "change_priority"
    ADD_NOTE = "add_note"


class AttemptOutcome(StrEnum):
    """How a call to the patient or the referring office ended."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    LEFT_MESSAGE = "left_message"
    WRONG_NUMBER = "wrong_number"


class AppointmentStatus(StrEnum):
    """What the scheduling system says of an appointment; the words of FHIR appointmentstatus where it has them."""

    BOOKED = "booked"
    RESCHEDULED = "rescheduled"
    CANCELLED = "cancelled"
    NO_SHOW = "noshow"
    COMPLETED = "fulfilled"


class ChangeKind(StrEnum):
    """What happened to a referral."""

    OPENED = "opened"
    STAGE_CHANGED = "stage_changed"
    OWNER_CHANGED = "owner_changed"
    TASK_COMPLETED = "task_completed"
    ATTEMPT_RECORDED = "attempt_recorded"
    INFORMATION_ADDED = "information_added"
    PRIORITY_CHANGED = "priority_changed"
    REMINDED = "reminded"
    BREACHED = "breached"
    APPOINTMENT_RECORDED = "appointment_recorded"
    NOTE_ADDED = "note_added"


class ClockState(StrEnum):
    """Whether the time of a stage is running (R22)."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"


class WaitingOn(StrEnum):
    """On whom the next step of a referral waits (R1)."""

    CLINIC = "clinic"
    REFERRING_OFFICE = "referring_office"
    PATIENT = "patient"
    PAYER = "payer"
    NOBODY = "nobody"


class SignalKind(StrEnum):
    """What a clock announces (R23)."""

    REMINDER = "reminder"
    BREACH = "breach"


class NoticeKind(StrEnum):
    """Why a queue is told (R23, R24)."""

    REMINDER = "reminder"
    BREACH = "breach"
    BREACH_STORM = "breach_storm"


class ActorType(StrEnum):
    """Whether a person or a service acted."""

    USER = "user"
    SERVICE = "service"
