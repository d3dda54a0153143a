"""The matcher's tables in Postgres; every batch is read and written set-wise."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
import psycopg

from schemas.events import Document, PatientCorrected
from schemas.ids import referral_id_of
from schemas.vocabulary import Channel, MatchOutcome, MissingItem, Priority, ReviewDecision, Sex
from services.matcher import statements
from services.matcher.records import Changes, JournalEntry, KnownReferral, NewReferral, Patient, PossibleDuplicate
from services.matcher.rules.corrections import ReferralFacts
from services.matcher.rules.identity import Demographics
from services.matcher.rules.transmission import Transmission
from services.matcher.tables import InNetwork

#: plans of the lookups depend on how large the arrays and the tables are at this moment
_FRESH_PLAN = False
Row = tuple[Any, ...]


class PostgresTables:
    """The matcher's tables on one connection, inside the step's transaction."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def patients(self, ids: Iterable[InNetwork], *, is_locked: bool = False) -> Sequence[Patient]:
        """Return patients by id, locked in order of id when asked to."""
        statement = statements.LOCKED_PATIENTS if is_locked else statements.PATIENTS
        return [_patient(row) for row in self._rows(statement, _wanted(ids, 2))]

    def blocks(self, keys: Iterable[tuple[str, int]], *, limit: int) -> Sequence[tuple[int, str]]:
        """Return the patients under each blocking key, at most `limit` of a key."""
        return self._rows(statements.BLOCKS, [*_wanted(keys, 2), limit])

    def decisions(self, ids: Iterable[InNetwork]) -> Mapping[str, Mapping[str, ReviewDecision]]:
        """Return what people decided about patients and others."""
        decided: dict[str, dict[str, ReviewDecision]] = {}
        for patient_id, other_id, decision in self._rows(statements.DECISIONS, _wanted(ids, 2)):
            decided.setdefault(patient_id, {})[other_id] = ReviewDecision(decision)
        return decided

    def transmissions(self, arriving: Sequence[tuple[str, Transmission]]) -> Sequence[tuple[str, Transmission]]:
        """Return the earlier messages that arriving ones could repeat, with their networks."""
        if not arriving:
            return ()
        marks = ((network_id, t.submission_id, t.fingerprint, t.content_fingerprint) for network_id, t in arriving)
        rows = self._rows(statements.TRANSMISSIONS, _wanted(marks, 4))
        return [(network_id, Transmission(*columns)) for network_id, *columns in rows]

    def referrals(self, ids: Iterable[InNetwork]) -> Sequence[KnownReferral]:
        """Return referrals by id."""
        return [_known_referral(row) for row in self._rows(statements.REFERRALS, _wanted(ids, 2))]

    def save(self, changes: Changes) -> None:
        """Write what a batch changed."""
        self._add(statements.ADD_PATIENTS, map(_patient_row, changes.created_patients.values()))
        created = changes.created_patients
        self._copy(statements.COPY_KEYS, sorted(row for row in changes.added_keys if row[2] in created))
        self._add(statements.ADD_REFERRALS, map(_referral_row, changes.referrals))
        self._copy(statements.COPY_TRANSMISSIONS, (_transmission_row(*pair) for pair in changes.transmissions))
        repeats = ((network_id, m) for network_id, m in changes.transmissions if m.repeat_of is not None)
        self._add(statements.ADD_REPEATS, ((n, referral_id_of(m.submission_id), m.referral_id) for n, m in repeats))
        self._add(statements.ADD_JOURNAL, map(_journal_row, changes.journal))
        self._save_known_patients(changes)
        self._save_duplicates(changes)
        self._many(statements.COMPLETE_REFERRAL, [_completed_row(r) for r in changes.completed_referrals.values()])

    def _save_known_patients(self, changes: Changes) -> None:
        if filled := sorted(changes.filled_patients.items()):
            self._connection.execute(statements.FILL_PATIENTS, _columns((_filled_row(p) for _, p in filled), 9))
        self._many(
            statements.CORRECT_PATIENT, [_corrected_row(p) for _, p in sorted(changes.corrected_patients.items())]
        )
        created = changes.created_patients
        if added := sorted(row for row in changes.added_keys if row[2] not in created):
            self._connection.execute(statements.ADD_KEYS, _columns(added, 3))
        if changes.removed_keys:
            self._connection.execute(statements.REMOVE_KEYS, _columns(sorted(changes.removed_keys), 3))

    def _save_duplicates(self, changes: Changes) -> None:
        if duplicates := sorted(changes.duplicates.items()):
            rows = (_duplicate_row(duplicate_id, duplicate) for duplicate_id, duplicate in duplicates)
            self._connection.execute(statements.RAISE_DUPLICATES, _columns(rows, 10))
        reviews = [_review(event) for event in changes.reviews]
        self._many(statements.KEEP_DECISION, reviews)
        self._many(statements.CLOSE_DUPLICATE, reviews)

    def _rows(self, statement: str, parameters: Sequence[object]) -> list[Any]:
        return self._connection.execute(statement, parameters, prepare=_FRESH_PLAN).fetchall()

    def _add(self, addition: statements.Addition, rows: Iterable[Row]) -> None:
        added = [dict(zip(addition.columns, row, strict=True)) for row in rows]
        if added:
            self._connection.execute(addition.insert, [orjson.dumps(added).decode()])

    def _copy(self, statement: str, rows: Iterable[Row]) -> None:
        ready = list(rows)
        if not ready:
            return
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in ready:
                copy.write_row(row)

    def _many(self, statement: str, rows: Sequence[Row | Mapping[str, object]]) -> None:
        if rows:
            with self._connection.cursor() as cursor:
                cursor.executemany(statement, rows)


def _wanted(rows: Iterable[Sequence[object]], count: int) -> list[str]:
    return [orjson.dumps(column).decode() for column in _columns(rows, count)]


def _columns(rows: Iterable[Sequence[object]], count: int) -> list[list[object]]:
    columns = [list(column) for column in zip(*rows, strict=True)]
    return columns or [[] for _ in range(count)]


def _patient(row: Row) -> Patient:
    network_id, patient_id, matching_key, created_at, updated_at, version, merged_into, *rest = row
    given, middle, last, born, sex, phone, mrn, issuer, external_ids = rest
    known_sex = None if sex is None else Sex(sex)
    person = Demographics(given, middle, last, born, known_sex, phone, mrn, issuer, tuple(external_ids))
    return Patient(network_id, patient_id, matching_key, person, created_at, updated_at, version, merged_into)


def _known_referral(row: Row) -> KnownReferral:
    network_id, referral_id, clinic_id, patient_id, submission_id, channel, *facts, organisation, contact = row[:11]
    priority, has_insurance, has_authorisation, missing, documents, received_at, accepted_at, outcome = row[11:]
    return KnownReferral(
        network_id=network_id,
        referral_id=referral_id,
        clinic_id=clinic_id,
        patient_id=patient_id,
        submission_id=submission_id,
        channel=Channel(channel),
        facts=ReferralFacts(*facts),
        referring_organisation=organisation,
        referring_contact=contact,
        priority=Priority(priority),
        has_insurance=has_insurance,
        has_authorisation=has_authorisation,
        missing_items=tuple(MissingItem(item) for item in missing),
        documents=tuple(Document.model_validate(document) for document in documents),
        received_at=received_at,
        accepted_at=accepted_at,
        outcome=MatchOutcome(outcome),
    )


def _patient_row(patient: Patient) -> Row:
    *person, external_ids = patient.person
    return (
        patient.network_id, patient.patient_id, patient.matching_key, patient.created_at, patient.updated_at,
        patient.version, *person, list(external_ids),
    )  # fmt: skip


def _filled_row(patient: Patient) -> Row:
    person = patient.person
    return (
        patient.network_id, patient.patient_id, person.middle_name, person.birth_date, person.sex, person.phone,
        person.mrn, person.mrn_issuer, patient.updated_at,
    )  # fmt: skip


def _corrected_row(patient: Patient) -> Row:
    *person, external_ids = patient.person
    return (
        patient.matching_key, patient.version, patient.updated_at, *person, list(external_ids), patient.network_id,
        patient.patient_id,
    )  # fmt: skip


def _referral_row(new: NewReferral) -> Row:
    event = new.event
    return (
        event.network_id, event.referral_id, event.clinic_id, new.patient_id, new.patient_id, event.submission_id,
        event.channel, event.source, event.source_message_id, event.content_digest, event.received_at,
        event.accepted_at, _json(new.stated), event.referring_provider, event.referring_npi,
        event.referring_organisation, event.referring_contact, event.specialty, event.service, event.reason,
        list(event.diagnosis_codes), event.order_number, event.priority, event.insurance_payer,
        event.insurance_member_id, event.authorisation_number, event.note, list(event.missing_items),
        _documents(event.documents), new.decision.outcome, new.decision.rule, new.matched_at,
    )  # fmt: skip


def _completed_row(referral: KnownReferral) -> Row:
    missing = list(referral.missing_items)
    return (*referral.facts, missing, referral.outcome, referral.network_id, referral.referral_id)


def _transmission_row(network_id: str, message: Transmission) -> Row:
    return (
        network_id, message.submission_id, message.referral_id, message.fingerprint, message.content_fingerprint,
        message.received_at, message.repeat_of,
    )  # fmt: skip


def _duplicate_row(duplicate_id: str, duplicate: PossibleDuplicate) -> Row:
    return (
        duplicate.network_id, duplicate_id, duplicate.patient_id, duplicate.candidate_patient_id,
        duplicate.referral_id, duplicate.clinic_id, duplicate.score,
        orjson.dumps(dict(duplicate.field_scores)).decode(), duplicate.rule, duplicate.raised_at,
    )  # fmt: skip


def _journal_row(entry: JournalEntry) -> Row:
    event = entry.correction
    return (
        event.network_id, event.event_id, event.kind, entry.state, event.patient_id, event.other_patient_id,
        event.referral_id, event.decision, event.expected_version, entry.version,
        None if entry.before is None else _json(entry.before), None if entry.after is None else _json(entry.after),
        event.by_user, event.by_role, event.comment, event.at, entry.recorded_at,
    )  # fmt: skip


def _review(event: PatientCorrected) -> Mapping[str, object]:
    return {
        "network_id": event.network_id,
        "patient_id": event.patient_id,
        "other_patient_id": event.other_patient_id,
        "decision": event.decision,
        "by": event.by_user,
        "role": event.by_role,
        "at": event.at,
        "event_id": event.event_id,
    }


def _json(person: Demographics) -> Mapping[str, object]:
    return {name: value for name, value in person._asdict().items() if value}


def _documents(documents: Sequence[Document]) -> Sequence[Mapping[str, object]]:
    return [document.model_dump() for document in documents]
