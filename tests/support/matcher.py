"""Builders of the matcher's input and an honest in-memory stand-in for its tables."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from runtime.delivery import Delivery
from schemas.event import Event
from schemas.events import PatientCorrected, ReferralMatched, ReferralReceived
from schemas.ids import derived_id, matching_key_of, named_id, referral_id_of
from schemas.phonetic import phonetic_code
from schemas.topics import key_of
from schemas.vocabulary import Channel, CorrectionKind, ReviewDecision, Role
from services.matcher.batch import Policy
from services.matcher.pipeline import match_batch
from services.matcher.records import Changes, KnownReferral, Patient, PossibleDuplicate
from services.matcher.rules.transmission import Transmission
from services.matcher.tables import InNetwork

NETWORK = "riverside"
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANNA: Mapping[str, Any] = {
    "given_name": "Anna",
    "last_name": "Kowalski",
    "birth_date": date(1985, 3, 14),
    "phone": "+16175550142",
}


def received(message: str, *, at: datetime = MONDAY, content: str | None = None, **stated: Any) -> ReferralReceived:
    """Return a referral as intake would announce it; `message` names it, `content` is what it asks for."""
    submission_id = named_id("submission", message)
    last_name = stated.get("last_name")
    who = "|".join(str(stated.get(name)) for name in ("given_name", "last_name", "birth_date", "phone"))
    values: dict[str, Any] = {
        "event_id": derived_id(submission_id, 0),
        "referral_id": referral_id_of(submission_id),
        "matching_key": matching_key_of(NETWORK, phonetic_code(last_name)) if last_name else submission_id,
        "submission_id": submission_id,
        "network_id": NETWORK,
        "clinic_id": "harbor",
        "channel": Channel.FAX,
        "source": "+16175559000",
        "content_digest": _digest(message),
        "fingerprint": _digest(f"fingerprint {message}"),
        "content_fingerprint": None if content is None else _digest(f"{who} {content}"),
        "received_at": at,
        "accepted_at": at,
    }
    return ReferralReceived.model_validate({**values, **stated})


def corrected(
    patient_id: str, command: str, *, kind: CorrectionKind = CorrectionKind.DEMOGRAPHICS, **changes: Any
) -> PatientCorrected:
    """Return a correction of a patient."""
    values: dict[str, Any] = {
        "event_id": named_id("command", command),
        "matching_key": "any",
        "network_id": NETWORK,
        "kind": kind,
        "patient_id": patient_id,
        "by_user": "ivy",
        "by_role": Role.INTAKE,
        "at": MONDAY,
    }
    return PatientCorrected.model_validate({**values, **changes})


def patient_of(message: str) -> str:
    """Return the id of the patient that a message creates when it is linked to nobody."""
    return named_id("patient", NETWORK, named_id("submission", message))


def delivered(events: Iterable[Event], *, start: datetime = MONDAY) -> list[Delivery]:
    """Return events as the step hands them over, a second apart."""
    return [
        Delivery(
            event=event,
            event_id=str(event.event_id),  # type: ignore[attr-defined]
            topic=event.schema_name,
            partition=0,
            offset=offset,
            key=key_of(event),
            recorded_at=start + timedelta(seconds=offset),
            traceparent=None,
        )
        for offset, event in enumerate(events)
    ]


@dataclass
class MatcherDesk:
    """The matcher on in-memory tables: hand it events, read what it announced and keeps."""

    tables: "InMemoryTables" = field(default_factory=lambda: InMemoryTables())
    policy: Policy = field(default_factory=Policy)
    automation: list[str] = field(default_factory=list)
    audit: list[str] = field(default_factory=list)
    offset: int = 0

    def hand(self, *events: Event, batch_size: int | None = None) -> list[ReferralMatched]:
        """Apply events in batches and return the announcements."""
        start = MONDAY + timedelta(seconds=self.offset)
        self.offset += len(events)
        deliveries = delivered(events, start=start)
        size = batch_size or max(1, len(deliveries))
        announced: list[ReferralMatched] = []
        for first in range(0, len(deliveries), size):
            outputs, changes = match_batch(self.tables, deliveries[first : first + size], self.policy)
            self.tables.save(changes)
            self.automation += [entry.kind for entry in changes.automation]
            self.audit += [entry.action for entry in changes.audit]
            announced += [event for some in outputs.values() for event in some if isinstance(event, ReferralMatched)]
        return announced


@dataclass
class InMemoryTables:
    """The matcher's tables as dictionaries."""

    patient: dict[InNetwork, Patient] = field(default_factory=dict)
    patient_key: dict[tuple[str, int], set[str]] = field(default_factory=lambda: defaultdict(set))
    referral: dict[InNetwork, KnownReferral] = field(default_factory=dict)
    transmission: dict[InNetwork, Transmission] = field(default_factory=dict)
    transmission_mark: dict[InNetwork, list[Transmission]] = field(default_factory=lambda: defaultdict(list))
    duplicate: dict[str, PossibleDuplicate] = field(default_factory=dict)
    duplicate_state: dict[str, ReviewDecision] = field(default_factory=dict)
    decision: dict[str, dict[str, ReviewDecision]] = field(default_factory=dict)
    journal: list[tuple[str, str]] = field(default_factory=list)

    def patients(self, ids: Iterable[InNetwork], *, is_locked: bool = False) -> Sequence[Patient]:
        """Return patients by id."""
        return [self.patient[pair] for pair in ids if pair in self.patient]

    def blocks(self, keys: Iterable[tuple[str, int]], *, limit: int) -> Sequence[tuple[int, str]]:
        """Return the patients under each blocking key, at most `limit` of a key."""
        found: list[tuple[int, str]] = []
        for network_id, key in keys:
            ids = sorted(self.patient_key.get((network_id, key), ()))
            found += [(key, patient_id) for patient_id in ids[:limit]]
        return found

    def decisions(self, ids: Iterable[InNetwork]) -> Mapping[str, Mapping[str, ReviewDecision]]:
        """Return what people decided about patients and others."""
        return {patient_id: self.decision[patient_id] for _, patient_id in ids if patient_id in self.decision}

    def transmissions(self, arriving: Sequence[tuple[str, Transmission]]) -> Sequence[tuple[str, Transmission]]:
        """Return the earlier messages that arriving ones could repeat."""
        found = {}
        for network_id, one in arriving:
            for mark in _marks(one):
                for known in self.transmission_mark.get((network_id, mark), ()):
                    found[network_id, known.submission_id] = (network_id, known)
        return list(found.values())

    def referrals(self, ids: Iterable[InNetwork]) -> Sequence[KnownReferral]:
        """Return referrals by id."""
        return [self.referral[pair] for pair in ids if pair in self.referral]

    def save(self, changes: Changes) -> None:
        """Write what a batch changed."""
        for changed in (changes.created_patients, changes.corrected_patients, changes.filled_patients):
            self.patient.update({(patient.network_id, patient_id): patient for patient_id, patient in changed.items()})
        for network_id, key, patient_id in changes.removed_keys:
            self.patient_key[network_id, key].remove(patient_id)
            if not self.patient_key[network_id, key]:
                del self.patient_key[network_id, key]
        for network_id, key, patient_id in changes.added_keys:
            assert patient_id not in self.patient_key[network_id, key]
            self.patient_key[network_id, key].add(patient_id)
        for new in changes.referrals:
            pair = (new.event.network_id, new.event.referral_id)
            assert pair not in self.referral
            self.referral[pair] = new.as_known()
        self.referral.update(changes.completed_referrals)
        for network_id, message in changes.transmissions:
            assert (network_id, message.submission_id) not in self.transmission
            self.transmission[network_id, message.submission_id] = message
            for mark in _marks(message):
                self.transmission_mark[network_id, mark].append(message)
        self._save_duplicates(changes)
        self.journal += [(entry.correction.event_id, entry.state.value) for entry in changes.journal]

    def _save_duplicates(self, changes: Changes) -> None:
        for duplicate_id, duplicate in changes.duplicates.items():
            known = self.duplicate.get(duplicate_id)
            if known is not None:
                if duplicate_id in self.duplicate_state:
                    continue
                scores = {"score": duplicate.score, "field_scores": duplicate.field_scores, "rule": duplicate.rule}
                duplicate = replace(known, **scores)  # type: ignore[arg-type]
            self.duplicate[duplicate_id] = duplicate
        for review in changes.reviews:
            assert review.decision is not None and review.other_patient_id is not None
            self.decision.setdefault(review.patient_id, {})[review.other_patient_id] = review.decision
            self.decision.setdefault(review.other_patient_id, {})[review.patient_id] = review.decision
            for duplicate_id, duplicate in self.duplicate.items():
                if {duplicate.patient_id, duplicate.candidate_patient_id} == {
                    review.patient_id,
                    review.other_patient_id,
                }:
                    self.duplicate_state[duplicate_id] = review.decision


def _marks(message: Transmission) -> Iterator[str]:
    yield message.submission_id
    if message.repeat_of is None:
        yield f"fingerprint {message.fingerprint}"
        if message.content_fingerprint is not None:
            yield f"content {message.content_fingerprint}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
