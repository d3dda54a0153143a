"""The rows of the matcher as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from runtime.audit import AuditEntry
from runtime.automation_log import AutomationEntry
from schemas.events import Document, PatientCorrected, ReferralReceived
from schemas.ids import named_id
from schemas.vocabulary import Channel, MatchOutcome, MissingItem, Priority
from services.matcher.rules.corrections import ReferralFacts
from services.matcher.rules.decision import Decision
from services.matcher.rules.identity import Demographics
from services.matcher.rules.transmission import Transmission


@dataclass(frozen=True, slots=True)
class Patient:
    """A known patient."""

    network_id: str
    patient_id: str
    matching_key: str
    person: Demographics
    created_at: datetime
    updated_at: datetime
    version: int = 1
    merged_into: str | None = None


@dataclass(frozen=True, slots=True)
class KnownReferral:
    """What a later announcement of a referral repeats."""

    network_id: str
    referral_id: str
    clinic_id: str
    patient_id: str
    submission_id: str
    channel: Channel
    facts: ReferralFacts
    referring_organisation: str | None
    referring_contact: str | None
    priority: Priority
    has_insurance: bool
    has_authorisation: bool
    missing_items: tuple[MissingItem, ...]
    documents: tuple[Document, ...]
    received_at: datetime
    accepted_at: datetime
    outcome: MatchOutcome


@dataclass(frozen=True, slots=True)
class NewReferral:
    """A referral that arrived, with what matching decided."""

    event: ReferralReceived
    stated: Demographics
    decision: Decision
    patient_id: str
    matched_at: datetime

    def as_known(self) -> KnownReferral:
        """Return what a later announcement of it repeats."""
        event = self.event
        return KnownReferral(
            network_id=event.network_id,
            referral_id=event.referral_id,
            clinic_id=event.clinic_id,
            patient_id=self.patient_id,
            submission_id=event.submission_id,
            channel=event.channel,
            facts=ReferralFacts(event.specialty, event.referring_provider, event.reason),
            referring_organisation=event.referring_organisation,
            referring_contact=event.referring_contact,
            priority=event.priority,
            has_insurance=event.insurance_payer is not None,
            has_authorisation=event.authorisation_number is not None,
            missing_items=event.missing_items,
            documents=event.documents,
            received_at=event.received_at,
            accepted_at=event.accepted_at,
            outcome=self.decision.outcome,
        )


@dataclass(frozen=True, slots=True)
class PossibleDuplicate:
    """A pair of patients for a person to judge; no candidate where a block was too large."""

    network_id: str
    patient_id: str
    candidate_patient_id: str | None
    referral_id: str | None
    clinic_id: str | None
    score: float
    field_scores: Mapping[str, float]
    rule: str
    raised_at: datetime

    @property
    def duplicate_id(self) -> str:
        """The id of the pair, whichever of the two came first."""
        pair = sorted((self.patient_id, self.candidate_patient_id or self.rule))
        return named_id("possible_duplicate", self.network_id, *pair)


class JournalState(StrEnum):
    """What became of a correction."""

    APPLIED = "applied"
    STALE = "stale"  #: made against an older version; nothing changed
    PENDING = "pending"  #: kept, to be carried out by a later step


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A correction with what it did."""

    correction: PatientCorrected
    state: JournalState
    version: int
    recorded_at: datetime
    before: Demographics | None = None
    after: Demographics | None = None


@dataclass(slots=True)
class Changes:
    """What a batch changes, to be written set-wise."""

    created_patients: dict[str, Patient] = field(default_factory=dict)
    #: locked at the start of the batch and written whole
    corrected_patients: dict[str, Patient] = field(default_factory=dict)
    #: not locked; only their empty fields are filled
    filled_patients: dict[str, Patient] = field(default_factory=dict)
    #: (network, patient) -> blocking keys to add and to remove
    added_keys: set[tuple[str, int, str]] = field(default_factory=set)
    removed_keys: set[tuple[str, int, str]] = field(default_factory=set)
    referrals: list[NewReferral] = field(default_factory=list)
    completed_referrals: dict[tuple[str, str], KnownReferral] = field(default_factory=dict)
    transmissions: list[tuple[str, Transmission]] = field(default_factory=list)
    duplicates: dict[str, PossibleDuplicate] = field(default_factory=dict)
    reviews: list[PatientCorrected] = field(default_factory=list)
    journal: list[JournalEntry] = field(default_factory=list)
    audit: list[AuditEntry] = field(default_factory=list)
    automation: list[AutomationEntry] = field(default_factory=list)

    def raise_duplicate(self, duplicate: PossibleDuplicate) -> None:
        """Put a pair into the queue, or bring its scores up to date when it is there."""
        known = self.duplicates.get(duplicate.duplicate_id)
        if known is not None:
            scores = {"score": duplicate.score, "field_scores": duplicate.field_scores, "rule": duplicate.rule}
            duplicate = replace(known, **scores)  # type: ignore[arg-type]
        self.duplicates[duplicate.duplicate_id] = duplicate
