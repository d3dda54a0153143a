"""Rows of a synthetic network, written as the owner of the tables; for tests of what people see."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from schemas.ids import queue_of, referral_id_of
from schemas.vocabulary import Stage

RECEIVED = datetime(2026, 11, 20, 15, 40, tzinfo=UTC)

#: user, role, clinics, teams
STAFF: tuple[tuple[str, str, list[str], list[str]], ...] = (
    ("ivy", "intake", [], ["intake"]),
    ("eli", "eligibility", [], ["eligibility"]),
    ("cleo", "clinical_reviewer", [], ["clinical_review"]),
    ("sam", "scheduling", [], ["scheduling"]),
    ("sue", "supervisor", [], ["supervisor"]),
    ("audrey", "auditor", [], []),
    ("adam", "administrator", [], []),
    ("hilda", "intake", ["hill"], ["intake"]),
)


_MANY_PATIENTS = """
    INSERT INTO matcher.patient (network_id, patient_id, matching_key, given_name, last_name, birth_date, phone, mrn,
                                 created_at, updated_at)
    SELECT network_id, patient_id || '-' || n, matching_key, given_name, last_name || chr(97 + n %% 26), birth_date + n,
           '+1617' || 2000000 + n, 'M' || n, created_at, updated_at
    FROM matcher.patient, generate_series(1, %(many)s) AS n WHERE patient_id = %(of)s
"""
_MANY_REFERRALS = """
    INSERT INTO matcher.referral
    SELECT (jsonb_populate_record(referral, jsonb_build_object(
        'referral_id', referral_id || n, 'patient_id', patient_id || '-' || n))).*
    FROM matcher.referral, generate_series(1, %(many)s) AS n WHERE patient_id = %(of)s
"""


@dataclass(frozen=True)
class SyntheticPatient:
    """A patient to be written."""

    patient_id: str
    given_name: str
    last_name: str
    birth_date: date = date(1984, 3, 9)
    phone: str | None = "+16175550142"
    mrn: str | None = None


@dataclass(frozen=True, kw_only=True)
class SyntheticReferral:
    """A referral to be written."""

    number: int
    patient_id: str
    clinic_id: str = "harbor"
    stage: Stage = Stage.INTAKE_RECEIVED
    team: str = "intake"
    due_after: timedelta | None = timedelta(hours=4)
    clock: str = "running"

    @property
    def referral_id(self) -> str:
        """The id that follows from the number."""
        return referral_id_of(f"synthetic-{self.number}")


class NetworkRows:
    """Writes one network."""

    def __init__(self, connection: psycopg.Connection, network_id: str = "riverside") -> None:
        self._connection = connection
        self.network_id = network_id

    def add_directory(self, *, suffix: str = "") -> None:
        """Write the network, three clinics and a person of each role."""
        self._insert("directory.network", {"network_id": self.network_id, "name": self.network_id})
        for clinic_id in ("harbor", "hill", "lake"):
            row = {"clinic_id": clinic_id, "name": clinic_id, "time_zone": "America/New_York"}
            self._insert("directory.clinic", self._own(row))
        for user_id, role, clinic_ids, teams in STAFF:
            row = {"user_id": user_id + suffix, "name": user_id.title(), "role": role}
            self._insert("directory.staff", self._own(row | {"clinic_ids": clinic_ids, "teams": teams}))

    def add_patient(self, patient: SyntheticPatient) -> None:
        """Write a patient."""
        row = {name: getattr(patient, name) for name in patient.__dataclass_fields__}
        times = {"created_at": RECEIVED, "updated_at": RECEIVED, "matching_key": f"key-of-{patient.last_name}"}
        self._insert("matcher.patient", self._own(row | times))

    def add_referral(self, referral: SyntheticReferral) -> str:
        """Write a referral with its PHI side, first history row, task and document; return its id."""
        shared = self._own({"referral_id": referral.referral_id, "clinic_id": referral.clinic_id})
        received = {"received_at": RECEIVED, "channel": "fax", "submission_id": f"synthetic-{referral.number}"}
        self._insert("matcher.referral", shared | received | _phi(referral))
        self._insert("stager.referral", shared | received | self._state(referral))
        self._insert("stager.stage_history", shared | self._opened(referral))
        self._insert("stager.task", shared | self._task(referral))
        self._insert("stager.document", self._own({"referral_id": referral.referral_id}) | _document(referral))
        return referral.referral_id

    def add_notice(self, *, clinic_id: str, team: str, referral_ids: list[str]) -> None:
        """Write a notice to a queue."""
        row = {
            "notice_id": f"notice-{clinic_id}-{team}",
            "recipient_queue": queue_of(self.network_id, clinic_id, team),
            "kind": "reminder",
            "window_start": RECEIVED,
            "window_end": RECEIVED + timedelta(minutes=5),
            "signal_ids": [],
            "referral_ids": referral_ids,
            "created_at": RECEIVED,
        }
        self._insert("courier.notice", self._own(row))

    def insert(self, table: str, row: Mapping[str, object]) -> None:
        """Write any row of the network."""
        self._insert(table, self._own(row))

    def _own(self, row: Mapping[str, object]) -> dict[str, object]:
        return {"network_id": self.network_id, **row}

    def _queue(self, referral: SyntheticReferral) -> str:
        return queue_of(self.network_id, referral.clinic_id, referral.team)

    def _state(self, referral: SyntheticReferral) -> dict[str, object]:
        due_at = RECEIVED + referral.due_after if referral.due_after is not None else None
        return {
            "patient_id": referral.patient_id,
            "specialty": "cardiology",
            "has_insurance": True,
            "has_authorisation": False,
            "priority": "routine",
            "stage": referral.stage,
            "stage_entry": 1,
            "stage_entered_at": RECEIVED,
            "clock": referral.clock,
            "used_s": 0,
            "remind_at": due_at - timedelta(hours=2) if due_at else None,
            "due_at": due_at,
            "owner_queue": self._queue(referral),
            "waiting_on": "clinic",
            "missing_items": ["phone"],
            "settled_items": [],
            "breached": False,
            "interrupted_used_s": 0,
            "rework_count": 0,
            "appointments": Jsonb([]),
            "stage_table_version": 1,
            "sla_policy": "test@1",
            "sequence": 1,
            "updated_at": RECEIVED,
        }

    def _opened(self, referral: SyntheticReferral) -> dict[str, object]:
        return {
            "sequence": 1,
            "kind": "opened",
            "to_stage": referral.stage,
            "stage_entry": 1,
            "stage_entered_at": RECEIVED,
            "waiting_on": "clinic",
            "owner_queue": self._queue(referral),
            "clock": referral.clock,
            "priority": "routine",
            "actor_type": "service",
            "actor": "stager",
            "actor_role": "service",
            "comment": "a comment that staff wrote",
            "breached": False,
            "is_rework": False,
            "effective_at": RECEIVED,
            "recorded_at": RECEIVED,
            "cause_id": f"cause-{referral.number}",
            "stage_table_version": 1,
        }

    def _task(self, referral: SyntheticReferral) -> dict[str, object]:
        return {
            "task_id": f"task-{self.network_id}-{referral.number}",
            "template": "review_referral",
            "type": "Review new referral",
            "owner_queue": self._queue(referral),
            "due_at": RECEIVED + referral.due_after if referral.due_after is not None else None,
            "status": "open",
            "stage_entry": 1,
            "created_at": RECEIVED,
        }

    def _insert(self, table: str, row: Mapping[str, object]) -> None:
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(*table.split(".")),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(sql.Placeholder() for _ in row),
        )
        self._connection.execute(statement, list(row.values()))


def _phi(referral: SyntheticReferral) -> dict[str, object]:
    return {
        "patient_id": referral.patient_id,
        "first_patient_id": referral.patient_id,
        "source": "fax-sender",
        "content_digest": f"digest-{referral.number}",
        "accepted_at": RECEIVED,
        "stated": Jsonb({}),
        "service": "echocardiogram",
        "reason": "reason as written",
        "diagnosis_codes": ["I10"],
        "priority": "routine",
        "insurance_payer": "Synthetic Health",
        "insurance_member_id": "member-1",
        "note": "note that came along",
        "missing_items": ["phone"],
        "documents": Jsonb([]),
        "outcome": "new_patient",
        "rule": "no_candidate",
        "matched_at": RECEIVED,
    }


def _document(referral: SyntheticReferral) -> dict[str, object]:
    return {
        "document_id": f"document-{referral.number}",
        "kind": "referral_letter",
        "content_digest": f"digest-{referral.number}",
        "content_type": "application/pdf",
        "content_size": 1000,
        "readable": True,
        "received_at": RECEIVED,
    }


def multiply_patients(connection: psycopg.Connection, patient_id: str, many: int) -> None:
    """Write so many likenesses of a patient with a referral each, and tell the planner of them."""
    for statement in (_MANY_PATIENTS, _MANY_REFERRALS):
        connection.execute(statement.encode(), {"many": many, "of": patient_id})
    connection.execute("ANALYZE matcher.patient, matcher.referral")
