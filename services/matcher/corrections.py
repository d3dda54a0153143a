"""A person corrects a patient, decides a possible duplicate, or asks to merge or separate two patients."""

from collections.abc import Sequence
from dataclasses import replace

from runtime.delivery import Delivery
from runtime.pipeline import Rejected
from schemas.events import PatientCorrected, ReferralMatched
from schemas.ids import derived_id, matching_key_of
from schemas.phonetic import phonetic_code
from schemas.vocabulary import CorrectionKind, MatchKind, MatchOutcome
from services.matcher.arrivals import raise_block_too_large
from services.matcher.batch import AuditAction, AutomationKind, BatchInHand
from services.matcher.records import JournalEntry, JournalState, KnownReferral, Patient, PossibleDuplicate
from services.matcher.rules.blocking import blocking_keys
from services.matcher.rules.corrections import changed_fields, completed_facts, corrected_demographics, remaining_items
from services.matcher.rules.decision import resemblances_of
from services.matcher.rules.identity import Demographics, identity_of
from services.matcher.rules.silent_link import MatchRule


def correct(batch: BatchInHand, delivery: Delivery, event: PatientCorrected) -> Sequence[ReferralMatched]:
    """Apply what a person decided about a patient.

    Raises:
        Rejected: it names a patient or referral that is not known here.
    """
    patient = _patient(batch, delivery, event.network_id, event.patient_id)
    if event.expected_version is not None and event.expected_version != patient.version:
        batch.log(delivery, AutomationKind.STALE_CORRECTION, referral_id=event.referral_id, detail=None)
        _journal(batch, delivery, event, JournalState.STALE, patient)
        return ()
    if event.kind is CorrectionKind.DEMOGRAPHICS:
        return _correct_demographics(batch, delivery, event, patient)
    other = _patient(batch, delivery, event.network_id, event.other_patient_id or "")
    if event.kind is CorrectionKind.REVIEW:
        _review(batch, delivery, event, patient, other)
    else:
        _keep_for_later(batch, delivery, event, patient)
    return ()


def _correct_demographics(
    batch: BatchInHand, delivery: Delivery, event: PatientCorrected, before: Patient
) -> Sequence[ReferralMatched]:
    referral = _named_referral(batch, delivery, event)
    person = corrected_demographics(before.person, event)
    after = replace(
        before,
        person=person,
        version=before.version + 1,
        matching_key=_matching_key(event, before, person),
        updated_at=delivery.recorded_at,
    )
    batch.patients.correct(after)
    _journal(batch, delivery, event, JournalState.APPLIED, after, before=before.person)
    detail = {"fields": changed_fields(before.person, person), "version": after.version}
    batch.audit_person(delivery, event, AuditAction.PATIENT_CORRECTED, detail)
    is_like_another = _raise_resemblances(batch, delivery, event, after, referral)
    if referral is None:
        return ()
    completed = _complete(referral, event, after, is_like_another=is_like_another)
    batch.referrals[event.network_id, referral.referral_id] = completed
    batch.changes.completed_referrals[event.network_id, referral.referral_id] = completed
    return (_announcement(completed, event),)


def _raise_resemblances(
    batch: BatchInHand, delivery: Delivery, event: PatientCorrected, patient: Patient, referral: KnownReferral | None
) -> bool:
    identity = identity_of(patient.person)
    keys = blocking_keys(patient.network_id, identity)
    block = batch.patients.block_of(patient.network_id, keys, without=patient.patient_id)
    clinic_id = None if referral is None else referral.clinic_id
    found = resemblances_of(
        identity,
        block,
        decided=batch.patients.decided.get(patient.patient_id, {}),
        threshold=batch.policy.duplicate_threshold,
    )
    for other in found:
        batch.changes.raise_duplicate(
            PossibleDuplicate(
                patient.network_id,
                patient.patient_id,
                other.patient_id,
                event.referral_id,
                clinic_id,
                other.score,
                other.field_scores,
                other.rule,
                delivery.recorded_at,
            )
        )
    if block.is_too_large:
        raise_block_too_large(batch, delivery, patient.network_id, patient.patient_id, event.referral_id, clinic_id)
    return bool(found) or block.is_too_large


def _complete(
    referral: KnownReferral, event: PatientCorrected, patient: Patient, *, is_like_another: bool
) -> KnownReferral:
    facts = completed_facts(referral.facts, event)
    outcome = referral.outcome
    if is_like_another:
        outcome = MatchOutcome.POSSIBLE_DUPLICATE
    elif outcome is MatchOutcome.UNIDENTIFIED and identity_of(patient.person).is_usable:
        outcome = MatchOutcome.NEW_PATIENT
    missing = remaining_items(referral.missing_items, patient.person, facts)
    return replace(referral, facts=facts, missing_items=missing, outcome=outcome)


def _review(batch: BatchInHand, delivery: Delivery, event: PatientCorrected, patient: Patient, other: Patient) -> None:
    if event.decision is None or patient.patient_id == other.patient_id:
        raise Rejected(event.event_id, "review_without_decision_or_pair")
    batch.patients.decide(patient.patient_id, other.patient_id, event.decision)
    batch.changes.reviews.append(event)
    _journal(batch, delivery, event, JournalState.APPLIED, patient)
    batch.audit_person(
        delivery,
        event,
        AuditAction.PATIENT_REVIEWED,
        {"decision": event.decision.value, "other_patient_id": other.patient_id},
    )


def _keep_for_later(batch: BatchInHand, delivery: Delivery, event: PatientCorrected, patient: Patient) -> None:
    is_merge = event.kind is CorrectionKind.MERGE
    action = AuditAction.MERGE_ASKED if is_merge else AuditAction.UNMERGE_ASKED
    _journal(batch, delivery, event, JournalState.PENDING, patient)
    batch.log(delivery, AutomationKind.CORRECTION_PENDING, referral_id=event.referral_id, detail=event.kind.value)
    batch.audit_person(delivery, event, action, {"other_patient_id": event.other_patient_id})


def _patient(batch: BatchInHand, delivery: Delivery, network_id: str, patient_id: str) -> Patient:
    patient = batch.patients.get(network_id, patient_id)
    if patient is None:
        raise Rejected(delivery.event_id, "patient_unknown")
    return patient


def _named_referral(batch: BatchInHand, delivery: Delivery, event: PatientCorrected) -> KnownReferral | None:
    if event.referral_id is None:
        return None
    referral = batch.referral(event.network_id, event.referral_id)
    if referral is None:
        raise Rejected(delivery.event_id, "referral_unknown")
    if referral.patient_id != event.patient_id:
        raise Rejected(delivery.event_id, "referral_of_another_patient")
    return referral


def _matching_key(event: PatientCorrected, before: Patient, after: Demographics) -> str:
    if after.last_name is None or after.last_name == before.person.last_name:
        return before.matching_key
    return matching_key_of(event.network_id, phonetic_code(after.last_name))


def _journal(
    batch: BatchInHand,
    delivery: Delivery,
    event: PatientCorrected,
    state: JournalState,
    patient: Patient,
    *,
    before: Demographics | None = None,
) -> None:
    after = None if before is None else patient.person
    batch.changes.journal.append(JournalEntry(event, state, patient.version, delivery.recorded_at, before, after))


def _announcement(referral: KnownReferral, event: PatientCorrected) -> ReferralMatched:
    return ReferralMatched(
        event_id=derived_id(event.event_id, 0),
        referral_id=referral.referral_id,
        kind=MatchKind.CORRECTED,
        network_id=referral.network_id,
        clinic_id=referral.clinic_id,
        submission_id=referral.submission_id,
        patient_id=referral.patient_id,
        outcome=referral.outcome,
        rule=MatchRule.CORRECTED,
        channel=referral.channel,
        referring_provider=referral.facts.referring_provider,
        referring_organisation=referral.referring_organisation,
        referring_contact=referral.referring_contact,
        specialty=referral.facts.specialty,
        priority=referral.priority,
        has_insurance=referral.has_insurance,
        has_authorisation=referral.has_authorisation,
        missing_items=referral.missing_items,
        documents=referral.documents,
        received_at=referral.received_at,
        accepted_at=referral.accepted_at,
        by=event.by_user,
        at=event.at,
    )
