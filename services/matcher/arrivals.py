"""A referral arrives: dropped as a repeated transmission, or given its patient and announced."""

from collections.abc import Sequence
from dataclasses import replace

from runtime.delivery import Delivery
from schemas.events import ReferralMatched, ReferralReceived
from schemas.ids import derived_id, named_id
from schemas.vocabulary import MatchKind
from services.matcher.batch import AuditAction, AutomationKind, BatchInHand, Stated
from services.matcher.records import NewReferral, Patient, PossibleDuplicate
from services.matcher.rules.corrections import changed_fields, filled_gaps
from services.matcher.rules.decision import Decision, decide
from services.matcher.rules.silent_link import MatchRule
from services.matcher.rules.transmission import Arrival, Transmission, judge_arrival
from services.matcher.seen_transmissions import transmission_of


def receive(batch: BatchInHand, delivery: Delivery, event: ReferralReceived) -> Sequence[ReferralMatched]:
    """Give an arriving referral its patient and announce it, or drop it when it was transmitted before."""
    if not _is_first(batch, delivery, event):
        return ()
    stated = batch.stated[event.event_id]
    block = batch.patients.block_of(event.network_id, stated.keys)
    decision = decide(
        stated.identity,
        event.matching_key,
        block,
        decided=batch.patients.decided,
        threshold=batch.policy.duplicate_threshold,
    )
    patient_id = _settle_patient(batch, delivery, event, decision, stated)
    batch.changes.referrals.append(NewReferral(event, stated.person, decision, patient_id, delivery.recorded_at))
    return (_announcement(event, decision, patient_id, delivery),)


def _is_first(batch: BatchInHand, delivery: Delivery, event: ReferralReceived) -> bool:
    arriving = transmission_of(event)
    earlier = batch.seen.similar_to(event.network_id, arriving)
    verdict = judge_arrival(arriving, earlier, window=batch.policy.repeat_window)
    known = verdict.earlier
    if verdict.arrival is Arrival.REPEATED and known is not None:
        _drop(batch, delivery, event, known)
        return False
    batch.seen.add(event.network_id, arriving)
    batch.changes.transmissions.append((event.network_id, arriving))
    if known is not None:
        batch.log(
            delivery,
            AutomationKind.POSSIBLE_DUPLICATE_REFERRAL,
            referral_id=event.referral_id,
            detail=f"same content as {known.referral_id}",
        )
    return True


def _drop(batch: BatchInHand, delivery: Delivery, event: ReferralReceived, known: Transmission) -> None:
    if known.submission_id != event.submission_id:
        # kept, so that the same message is known however often it comes; it makes no referral and opens no window
        repeat_of = known.repeat_of or known.submission_id
        dropped = replace(transmission_of(event), referral_id=known.referral_id, repeat_of=repeat_of)
        batch.changes.transmissions.append((event.network_id, dropped))
        batch.seen.add(event.network_id, dropped)
    batch.log(
        delivery,
        AutomationKind.REPEATED_TRANSMISSION,
        referral_id=known.referral_id,
        detail=f"submission {event.submission_id}",
    )


def _settle_patient(
    batch: BatchInHand, delivery: Delivery, event: ReferralReceived, decision: Decision, stated: Stated
) -> str:
    linked = None if decision.patient_id is None else batch.patients.get(event.network_id, decision.patient_id)
    if linked is not None:
        filled = _fill_gaps(batch, delivery, linked, stated)
        detail = {"rule": decision.rule, "filled": filled} if filled else {"rule": decision.rule}
        batch.audit_service(delivery, event, AuditAction.PATIENT_LINKED, linked.patient_id, detail)
        return linked.patient_id
    patient_id = named_id("patient", event.network_id, event.submission_id)
    at = delivery.recorded_at
    patient = Patient(event.network_id, patient_id, event.matching_key, stated.person, created_at=at, updated_at=at)
    batch.patients.create(patient, stated.identity, stated.keys)
    _raise_duplicates(batch, delivery, event, decision, patient_id)
    batch.audit_service(delivery, event, AuditAction.PATIENT_CREATED, patient_id, {"rule": decision.rule})
    return patient_id


def _fill_gaps(batch: BatchInHand, delivery: Delivery, patient: Patient, stated: Stated) -> Sequence[str]:
    person = filled_gaps(patient.person, stated.person)
    filled = changed_fields(patient.person, person)
    if filled:
        batch.patients.fill(replace(patient, person=person, updated_at=delivery.recorded_at))
    return filled


def _raise_duplicates(
    batch: BatchInHand, delivery: Delivery, event: ReferralReceived, decision: Decision, patient_id: str
) -> None:
    for found in decision.resemblances:
        batch.changes.raise_duplicate(
            PossibleDuplicate(
                event.network_id,
                patient_id,
                found.patient_id,
                event.referral_id,
                event.clinic_id,
                found.score,
                found.field_scores,
                found.rule,
                delivery.recorded_at,
            )
        )
    if decision.is_block_too_large:
        raise_block_too_large(batch, delivery, event.network_id, patient_id, event.referral_id, event.clinic_id)


def raise_block_too_large(
    batch: BatchInHand,
    delivery: Delivery,
    network_id: str,
    patient_id: str,
    referral_id: str | None,
    clinic_id: str | None,
) -> None:
    """Put a patient with too many candidates to compare into the queue of possible duplicates."""
    rule = MatchRule.BLOCK_TOO_LARGE
    batch.changes.raise_duplicate(
        PossibleDuplicate(network_id, patient_id, None, referral_id, clinic_id, 0.0, {}, rule, delivery.recorded_at)
    )
    batch.log(delivery, AutomationKind.BLOCK_TOO_LARGE, referral_id=referral_id, detail=None)


def _announcement(event: ReferralReceived, decision: Decision, patient_id: str, delivery: Delivery) -> ReferralMatched:
    return ReferralMatched(
        event_id=derived_id(event.event_id, 0),
        referral_id=event.referral_id,
        kind=MatchKind.RECEIVED,
        network_id=event.network_id,
        clinic_id=event.clinic_id,
        submission_id=event.submission_id,
        patient_id=patient_id,
        outcome=decision.outcome,
        rule=decision.rule,
        candidate_count=decision.candidate_count,
        channel=event.channel,
        referring_provider=event.referring_provider,
        referring_organisation=event.referring_organisation,
        referring_contact=event.referring_contact,
        specialty=event.specialty,
        priority=event.priority,
        has_insurance=event.insurance_payer is not None,
        has_authorisation=event.authorisation_number is not None,
        missing_items=event.missing_items,
        documents=event.documents,
        received_at=event.received_at,
        accepted_at=event.accepted_at,
        at=delivery.recorded_at,
    )
