"""Every event of Baton, in the order in which a referral meets them."""

from datetime import date
from typing import ClassVar

from pydantic import AwareDatetime

from schemas.event import Event, Text, field, identifying, limited
from schemas.vocabulary import (
    ActorType,
    AppointmentStatus,
    AttemptOutcome,
    ChangeKind,
    Channel,
    ClockState,
    CommandAction,
    CorrectionKind,
    MatchKind,
    MatchOutcome,
    MissingItem,
    NoticeKind,
    Priority,
    ReviewDecision,
    Role,
    Sex,
    SignalKind,
    Stage,
    Team,
    WaitingOn,
)


class IntakeSubmitted(Event):
    """A channel accepted one message; its bytes are in the document store."""

    schema_name: ClassVar[str] = "intake.submitted.v1"

    event_id: str = field("UUID; equals submission_id.")
    submission_id: str = field("UUIDv5 of network, channel, source and source message id, or of the content digest.")
    network_id: str = field("Clinic network that received it.")
    clinic_id: str = field("Clinic that received it.")
    channel: Channel = field("Channel that accepted it.")
    source: str = identifying("Authenticated sender: address, number or system; a voicemail's is the caller's.")
    source_message_id: str | None = identifying("The channel's own id of the message.", default=None)
    received_at: AwareDatetime = field("When the channel received it, UTC.")
    accepted_at: AwareDatetime = field("When Baton stored it durably, UTC.")
    content_digest: str = field("SHA-256 of the stored bytes, hex.")
    content_type: str = field("Media type as told by the channel.")
    content_size: int = field("Stored bytes.")
    file_name: str | None = identifying("File name as told by the sender; never used as a path.", default=None)


class Document(Event):
    """A pointer to stored bytes that belong to a referral."""

    schema_name: ClassVar[str] = "document"

    document_id: str = field("UUIDv5 of referral id and content digest.")
    kind: str = field("referral_letter, attachment, message, recording or transcript.")
    content_digest: str = field("SHA-256 of the stored bytes, hex.")
    content_type: str = field("Media type.")
    content_size: int = field("Stored bytes.")
    readable: bool = field("Whether text could be read from it.")


class ReferralReceived(Event):
    """A submission became a normalised referral with what it still lacks."""

    schema_name: ClassVar[str] = "referral.received.v1"

    event_id: str = field("UUIDv5 of submission id and output index.")
    referral_id: str = field("Human-friendly id with a check character, derived from the submission id.")
    matching_key: str = field("Digest of network and phonetic code of the last name, or the submission id.")
    submission_id: str = field("The submission it came from.")
    network_id: str = field("Clinic network.")
    clinic_id: str = field("Clinic.")
    channel: Channel = field("Channel.")
    source: str = identifying("Authenticated sender.")
    source_message_id: str | None = identifying("The channel's own id of the message.", default=None)
    content_digest: str = field("SHA-256 of the original message.")
    fingerprint: str = field("SHA-256 over source, received-time bucket, patient identifiers and message id (R14).")
    content_fingerprint: str | None = field(
        "SHA-256 over source, patient identifiers and normalised content, without the time; null without identifiers.",
        default=None,
    )
    received_at: AwareDatetime = field("When the channel received it.")
    accepted_at: AwareDatetime = field("When Baton stored it durably.")
    given_name: str | None = identifying("Patient's given name, normalised.", default=None)
    middle_name: str | None = identifying("Patient's middle names.", default=None)
    last_name: str | None = identifying("Patient's last name, normalised.", default=None)
    birth_date: date | None = identifying("Patient's date of birth.", default=None)
    sex: Sex | None = identifying("Administrative sex.", default=None)
    phone: str | None = identifying("Patient's phone, E.164.", default=None)
    mrn: str | None = identifying("Medical record number as the sender knows it.", default=None)
    external_ids: tuple[str, ...] = identifying("Other patient ids as system|value.", default=())
    referring_provider: str | None = field("Name of the referring provider.", default=None)
    referring_npi: str | None = field("National provider identifier.", default=None)
    referring_organisation: str | None = field("Referring office.", default=None)
    referring_contact: str | None = field("Address or number the referring office can be told at.", default=None)
    specialty: str | None = field("Requested specialty.", default=None)
    service: str | None = identifying("Requested service or procedure.", default=None)
    reason: Text | None = identifying("Reason for referral as written.", default=None)
    diagnosis_codes: tuple[str, ...] = identifying("ICD-10 codes.", default=())
    order_number: str | None = identifying("The sender's own number of the order.", default=None)
    priority: Priority = field("Priority.", default=Priority.ROUTINE)
    insurance_payer: str | None = identifying("Payer.", default=None)
    insurance_member_id: str | None = identifying("Member id.", default=None)
    authorisation_number: str | None = identifying("Prior authorisation number.", default=None)
    note: Text | None = limited("Free text that came along.", default=None)
    missing_items: tuple[MissingItem, ...] = field("What must be completed before eligibility.", default=())
    documents: tuple[Document, ...] = field("Stored documents.", default=())


class PatientCorrected(Event):
    """A person corrected a patient, merged or separated two, or decided a possible duplicate."""

    schema_name: ClassVar[str] = "patient.corrected.v1"

    event_id: str = field("The command id.")
    matching_key: str = field("Partition key, as in referral.received.")
    network_id: str = field("Clinic network.")
    kind: CorrectionKind = field("What was decided.")
    patient_id: str = field("The patient it concerns.")
    referral_id: str | None = field("The referral whose missing items it completes.", default=None)
    other_patient_id: str | None = field("The second patient of a merge, unmerge or review.", default=None)
    decision: ReviewDecision | None = field("Answer of a review.", default=None)
    given_name: str | None = identifying("New given name; null keeps the old.", default=None)
    last_name: str | None = identifying("New last name; null keeps the old.", default=None)
    birth_date: date | None = identifying("New date of birth; null keeps the old.", default=None)
    sex: Sex | None = identifying("New administrative sex; null keeps the old.", default=None)
    phone: str | None = identifying("New phone, E.164; null keeps the old.", default=None)
    mrn: str | None = identifying("New medical record number; null keeps the old.", default=None)
    specialty: str | None = field("Completed specialty of the referral.", default=None)
    referring_provider: str | None = field("Completed referring provider of the referral.", default=None)
    reason: Text | None = identifying("Completed reason of the referral.", default=None)
    expected_version: int | None = field("Patient version it was decided against; null accepts any.", default=None)
    by_user: str = field("Staff user id.")
    by_role: Role = field("Role in which the user acted.")
    at: AwareDatetime = field("When it was decided.")
    comment: Text | None = limited("Why.", default=None)


class ReferralMatched(Event):
    """A referral has its patient; carries no identifiers of the patient."""

    schema_name: ClassVar[str] = "referral.matched.v1"

    event_id: str = field("UUIDv5 of the cause and output index.")
    referral_id: str = field("Referral.")
    kind: MatchKind = field("Arrival or correction.")
    network_id: str = field("Clinic network.")
    clinic_id: str = field("Clinic.")
    submission_id: str = field("Submission it came from.")
    patient_id: str = field("Opaque patient id.")
    outcome: MatchOutcome = field("What matching decided.")
    rule: str = field("The rule that decided, by name.")
    candidate_count: int = field("How many candidates were compared.", default=0)
    channel: Channel = field("Channel.")
    referring_provider: str | None = field("Referring provider.", default=None)
    referring_organisation: str | None = field("Referring office.", default=None)
    referring_contact: str | None = field("Where the referring office can be told.", default=None)
    specialty: str | None = field("Requested specialty.", default=None)
    priority: Priority = field("Priority.", default=Priority.ROUTINE)
    has_insurance: bool = field("Whether a payer was named.", default=False)
    has_authorisation: bool = field("Whether an authorisation number was named.", default=False)
    missing_items: tuple[MissingItem, ...] = field("What is still missing.", default=())
    documents: tuple[Document, ...] = field("Stored documents.", default=())
    received_at: AwareDatetime = field("When the channel received the referral.")
    accepted_at: AwareDatetime = field("When Baton stored it durably.")
    by: str = field("`matcher`, or the staff user of a correction.", default="matcher")
    at: AwareDatetime = field("When it was decided.")


class ReferralCommanded(Event):
    """A person or a connected system asks for a change of one referral."""

    schema_name: ClassVar[str] = "referral.commanded.v1"

    event_id: str = field("The command id; the same id twice is one command.")
    referral_id: str = field("Referral.")
    network_id: str = field("Network of the one who asks.")
    action: CommandAction = field("What is asked.")
    expected_version: int | None = field("Version it was decided against; null accepts any.", default=None)
    by_user: str = field("Staff user id or system name.")
    by_role: Role = field("Role in which the user acts.")
    at: AwareDatetime = field("When it was asked.")
    to_stage: Stage | None = field("Stage to move to.", default=None)
    reason_code: str | None = field("Reason code (R7).", default=None)
    comment: Text | None = limited("Comment on the reason, or the note.", default=None)
    task_id: str | None = field("Task to complete.", default=None)
    outcome: AttemptOutcome | None = field("How a call ended.", default=None)
    priority: Priority | None = field("New priority.", default=None)
    appointment_id: str | None = field("The scheduling system's id.", default=None)
    appointment_status: AppointmentStatus | None = field("What happened to the appointment.", default=None)
    appointment_at: AwareDatetime | None = field("Start of the appointment.", default=None)
    appointment_version: int | None = field("The scheduling system's own order of changes.", default=None)


class ReferralChanged(Event):
    """One fact in the life of a referral, in dense order, without PHI."""

    schema_name: ClassVar[str] = "referral.changed.v1"

    event_id: str = field("UUIDv5 of the cause and output index.")
    referral_id: str = field("Referral.")
    sequence: int = field("1, 2, 3 … without gaps per referral.")
    network_id: str = field("Clinic network.")
    clinic_id: str = field("Clinic.")
    kind: ChangeKind = field("What happened.")
    stage: Stage = field("Stage after the change.")
    previous_stage: Stage | None = field("Stage before, where it changed.", default=None)
    stage_entry: int = field("How many stages were entered so far; names this stay in the stage.")
    stage_entered_at: AwareDatetime = field("When the current stage was entered.")
    owner_queue: str = field("network.clinic.team that owns the next step.")
    owner_user: str | None = field("Staff user who claimed it.", default=None)
    clock: ClockState = field("Whether the stage's time is running.")
    remind_at: AwareDatetime | None = field("When the queue is reminded.", default=None)
    due_at: AwareDatetime | None = field("When the stage is due.", default=None)
    waiting_on: WaitingOn = field("On whom the next step waits.")
    priority: Priority = field("Priority.")
    reason_code: str | None = field("Reason code of the change.", default=None)
    missing_items: tuple[MissingItem, ...] = field("What is still missing.", default=())
    breached: bool = field("Whether this stay in the stage is past its due time.", default=False)
    is_rework: bool = field("Whether the move went backwards.", default=False)
    actor_type: ActorType = field("Person or service.")
    actor: str = field("Staff user id or service name.")
    effective_at: AwareDatetime = field("When it happened.")
    recorded_at: AwareDatetime = field("When Baton recorded it.")
    cause_id: str = field("Id of the event or command that caused it.")
    stage_table_version: int = field("Version of the stage table that allowed it.")
    channel: Channel = field("Channel the referral came by.")
    specialty: str | None = field("Requested specialty.", default=None)
    received_at: AwareDatetime = field("When the channel received the referral.")


class ReferralState(Event):
    """The current state of a referral; the last record of a key counts."""

    schema_name: ClassVar[str] = "referral.state.v1"

    event_id: str = field("UUIDv5 of the cause and output index.")
    referral_id: str = field("Referral.")
    sequence: int = field("Sequence of the last change it includes.")
    network_id: str = field("Clinic network.")
    clinic_id: str = field("Clinic.")
    stage: Stage = field("Stage.")
    stage_entry: int = field("Names this stay in the stage.")
    stage_entered_at: AwareDatetime = field("When the stage was entered.")
    owner_queue: str = field("network.clinic.team that owns the next step.")
    owner_user: str | None = field("Staff user who claimed it.", default=None)
    clock: ClockState = field("Whether the stage's time is running.")
    remind_at: AwareDatetime | None = field("When the queue is reminded.", default=None)
    due_at: AwareDatetime | None = field("When the stage is due.", default=None)
    waiting_on: WaitingOn = field("On whom the next step waits.")
    priority: Priority = field("Priority.")
    missing_items: tuple[MissingItem, ...] = field("What is still missing.", default=())
    open_tasks: tuple[str, ...] = field("Types of the open tasks.", default=())
    breached: bool = field("Whether the stage is past its due time.", default=False)
    reason_code: str | None = field("Reason of the current exception or closing.", default=None)
    appointment_at: AwareDatetime | None = field("Start of the appointment.", default=None)
    channel: Channel = field("Channel the referral came by.")
    specialty: str | None = field("Requested specialty.", default=None)
    received_at: AwareDatetime = field("When the channel received the referral.")
    updated_at: AwareDatetime = field("When Baton recorded the last change.")


class SlaSignalled(Event):
    """A clock reached its reminder or its due time."""

    schema_name: ClassVar[str] = "sla.signalled.v1"

    event_id: str = field("UUIDv5 of referral, stage entry and kind, and the round where the due time moved.")
    referral_id: str = field("Referral.")
    network_id: str = field("Clinic network.")
    clinic_id: str = field("Clinic.")
    kind: SignalKind = field("Reminder or breach.")
    stage: Stage = field("Stage whose clock it is.")
    stage_entry: int = field("The stay in the stage it belongs to.")
    owner_queue: str = field("Queue that owns the stage.")
    fires_at: AwareDatetime = field("When it was to fire.")
    fired_at: AwareDatetime = field("When it fired.")
    due_at: AwareDatetime = field("When the stage is due.")


class NoticeRequested(Event):
    """A queue is to be told once about a window of signals."""

    schema_name: ClassVar[str] = "notice.requested.v1"

    event_id: str = field("UUIDv5 of recipient, kind, window and signal ids.")
    recipient_queue: str = field("network.clinic.team that is told.")
    network_id: str = field("Clinic network.")
    clinic_id: str = field("Clinic.")
    team: Team = field("Team that is told.")
    kind: NoticeKind = field("Why.")
    window_start: AwareDatetime = field("Start of the window.")
    window_end: AwareDatetime = field("End of the window.")
    signal_ids: tuple[str, ...] = field("Signals it bundles; each is told once.")
    referral_ids: tuple[str, ...] = field("Referrals that need attention, one for each signal, in the same order.")


EVENTS: tuple[type[Event], ...] = (
    IntakeSubmitted,
    ReferralReceived,
    PatientCorrected,
    ReferralMatched,
    ReferralCommanded,
    ReferralChanged,
    ReferralState,
    SlaSignalled,
    NoticeRequested,
)
