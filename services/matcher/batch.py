"""A batch in the middle of being decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from runtime.audit import AuditEntry, detail_of
from runtime.automation_log import AutomationEntry
from runtime.delivery import Delivery
from schemas.events import PatientCorrected, ReferralReceived
from schemas.vocabulary import Role
from services.matcher.known_patients import KnownPatients
from services.matcher.records import Changes, KnownReferral
from services.matcher.rules.blocking import blocking_keys
from services.matcher.rules.decision import DUPLICATE_THRESHOLD
from services.matcher.rules.identity import Demographics, Identity, identity_of
from services.matcher.rules.transmission import REPEAT_WINDOW
from services.matcher.seen_transmissions import SeenTransmissions, transmission_of
from services.matcher.tables import InNetwork, MatcherTables

SERVICE_NAME = "matcher"


class AutomationKind(StrEnum):
    """What the matcher chose not to do, or wants to be known (R11)."""

    REPEATED_TRANSMISSION = "repeated_transmission"
    POSSIBLE_DUPLICATE_REFERRAL = "possible_duplicate_referral"
    BLOCK_TOO_LARGE = "block_too_large"
    STALE_CORRECTION = "stale_correction"
    CORRECTION_PENDING = "correction_pending"


class AuditAction(StrEnum):
    """The acts of the matcher that the audit chain tells (R30)."""

    PATIENT_CREATED = "patient.created"
    PATIENT_LINKED = "patient.linked"
    PATIENT_CORRECTED = "patient.corrected"
    PATIENT_REVIEWED = "patient.reviewed"
    MERGE_ASKED = "patient.merge_asked"
    UNMERGE_ASKED = "patient.unmerge_asked"


@dataclass(frozen=True, slots=True)
class Policy:
    """What operators may set."""

    duplicate_threshold: float = DUPLICATE_THRESHOLD
    repeat_window: timedelta = REPEAT_WINDOW


@dataclass(frozen=True, slots=True)
class Stated:
    """The patient as a referral states it, prepared for matching."""

    person: Demographics
    identity: Identity
    keys: tuple[int, ...]


@dataclass(slots=True)
class BatchInHand:
    """What the records of a batch read and change in order."""

    policy: Policy
    changes: Changes
    patients: KnownPatients
    seen: SeenTransmissions
    stated: Mapping[str, Stated]
    referrals: dict[InNetwork, KnownReferral] = field(default_factory=dict)

    def referral(self, network_id: str, referral_id: str) -> KnownReferral | None:
        """Return a referral that was read, or that arrived in this batch."""
        known = self.referrals.get((network_id, referral_id))
        if known is not None:
            return known
        arrived = (new for new in self.changes.referrals if new.event.referral_id == referral_id)
        return next((new.as_known() for new in arrived if new.event.network_id == network_id), None)

    def log(self, delivery: Delivery, kind: AutomationKind, *, referral_id: str | None, detail: str | None) -> None:
        """Note something about the automation; ids only."""
        self.changes.automation.append(
            AutomationEntry(
                at=delivery.recorded_at,
                kind=kind,
                event_id=delivery.event_id,
                referral_id=referral_id,
                detail=detail,
            )
        )

    def audit_service(
        self,
        delivery: Delivery,
        event: ReferralReceived,
        action: AuditAction,
        patient_id: str,
        detail: Mapping[str, object],
    ) -> None:
        """Note an act of the matcher itself."""
        self.changes.audit.append(
            AuditEntry(
                at=delivery.recorded_at,
                actor=SERVICE_NAME,
                actor_role=Role.SERVICE,
                action=action,
                network_id=event.network_id,
                clinic_id=event.clinic_id,
                referral_id=event.referral_id,
                patient_id=patient_id,
                cause_id=delivery.event_id,
                detail=detail_of(detail),
            )
        )

    def audit_person(
        self, delivery: Delivery, event: PatientCorrected, action: AuditAction, detail: Mapping[str, object]
    ) -> None:
        """Note an act of a person."""
        self.changes.audit.append(
            AuditEntry(
                at=delivery.recorded_at,
                actor=event.by_user,
                actor_role=event.by_role,
                action=action,
                network_id=event.network_id,
                referral_id=event.referral_id,
                patient_id=event.patient_id,
                cause_id=delivery.event_id,
                detail=detail_of(detail),
            )
        )


def open_batch(tables: MatcherTables, deliveries: Sequence[Delivery], policy: Policy) -> BatchInHand:
    """Read set-wise everything the records of a batch are likely to need."""
    received = [d.event for d in deliveries if isinstance(d.event, ReferralReceived)]
    corrections = [d.event for d in deliveries if isinstance(d.event, PatientCorrected)]
    changes = Changes()
    patients = KnownPatients(tables, changes, correction_count=len(corrections))
    # locks first, and in order, so that two batches never wait for each other in a circle
    patients.read((event.network_id, patient_id) for event in corrections for patient_id in _patients_named_by(event))
    stated = {event.event_id: stated_by(event) for event in received}
    patients.read_blocks((event.network_id, key) for event in received for key in stated[event.event_id].keys)
    earlier = tables.transmissions([(event.network_id, transmission_of(event)) for event in received])
    wanted = {(event.network_id, event.referral_id) for event in corrections if event.referral_id is not None}
    referrals = {(r.network_id, r.referral_id): r for r in (tables.referrals(wanted) if wanted else ())}
    return BatchInHand(policy, changes, patients, SeenTransmissions(earlier), stated, referrals)


def stated_by(event: ReferralReceived) -> Stated:
    """Return the patient as a referral states it."""
    person = Demographics(
        event.given_name,
        event.middle_name,
        event.last_name,
        event.birth_date,
        event.sex,
        event.phone,
        event.mrn,
        event.source if event.mrn else None,
        event.external_ids,
    )
    identity = identity_of(person)
    return Stated(person, identity, blocking_keys(event.network_id, identity))


def _patients_named_by(event: PatientCorrected) -> tuple[str, ...]:
    return (event.patient_id,) if event.other_patient_id is None else (event.patient_id, event.other_patient_id)
