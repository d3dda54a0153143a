"""The audit chain: every change and every read of a patient, each row hashed over the one before (R30)."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

FIRST_HASH = "0" * 64

_LOCK_CHAIN = """
    INSERT INTO audit.chain (chain_id, length, hash) VALUES (%s, 0, %s)
    ON CONFLICT (chain_id) DO UPDATE SET length = chain.length
    RETURNING length, hash
"""
_COPY_ENTRIES = """
    COPY audit.entry (chain_id, position, at, actor, actor_role, action, network_id, clinic_id, referral_id,
                      patient_id, cause_id, detail, previous_hash, hash) FROM STDIN
"""
_MOVE_END = "UPDATE audit.chain SET length = %s, hash = %s WHERE chain_id = %s"
_CHAINS = "SELECT chain_id, length, hash FROM audit.chain ORDER BY chain_id"
_ENTRIES = """
    SELECT position, at, actor, actor_role, action, network_id, clinic_id, referral_id, patient_id, cause_id, detail,
           previous_hash, hash
    FROM audit.entry WHERE chain_id = %s ORDER BY position
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEntry:
    """One act of a person or service; `detail` holds ids and words of the vocabulary, never PHI."""

    at: datetime
    actor: str
    actor_role: str
    action: str
    network_id: str
    cause_id: str
    clinic_id: str | None = None
    referral_id: str | None = None
    patient_id: str | None = None
    detail: str = "{}"


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What verifying one chain found."""

    chain_id: str
    entries: int
    #: position of the first row that does not follow from the one before; None for an unbroken chain
    broken_at: int | None


def detail_of(values: Mapping[str, object]) -> str:
    """Return the detail of an entry as canonical JSON."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"))


def append_audit(connection: psycopg.Connection, chain_id: str, entries: Sequence[AuditEntry]) -> None:
    """Append entries to a chain in the transaction of the acts they tell of; the chain's lock orders writers."""
    if not entries:
        return
    row = connection.execute(_LOCK_CHAIN, [chain_id, FIRST_HASH]).fetchone()
    assert row is not None  # noqa: S101 - RETURNING of an upsert
    position, previous = int(row[0]), str(row[1])
    with connection.cursor() as cursor, cursor.copy(_COPY_ENTRIES) as copy:
        for entry in entries:
            position += 1
            own = entry_hash(previous, position, entry)
            copy.write_row((chain_id, position, *_columns(entry), previous, own))
            previous = own
    connection.execute(_MOVE_END, [position, previous, chain_id])


def entry_hash(previous: str, position: int, entry: AuditEntry) -> str:
    """Return the SHA-256 of an entry's content, its position and the hash before it."""
    at, *rest = _columns(entry)
    assert isinstance(at, datetime)  # noqa: S101 - the first column
    content = json.dumps([previous, position, at.astimezone(UTC).isoformat(), *rest], separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def verify_chains(connection: psycopg.Connection) -> Iterator[ChainReport]:
    """Recompute every chain and report each."""
    for chain_id, length, last_hash in connection.execute(_CHAINS).fetchall():
        yield _verify_chain(connection, chain_id, length, last_hash)


def _verify_chain(connection: psycopg.Connection, chain_id: str, length: int, last_hash: str) -> ChainReport:
    previous, count = FIRST_HASH, 0
    with connection.cursor(name="audit_verify") as cursor:
        for position, *columns, before, own in cursor.execute(_ENTRIES, [chain_id]):
            count += 1
            if position != count or before != previous or own != entry_hash(previous, position, _entry(columns)):
                return ChainReport(chain_id, count, count)
            previous = own
    is_whole = count == length and previous == last_hash
    return ChainReport(chain_id, count, None if is_whole else count + 1)


def _columns(entry: AuditEntry) -> tuple[object, ...]:
    return (
        entry.at, entry.actor, entry.actor_role, entry.action, entry.network_id, entry.clinic_id, entry.referral_id,
        entry.patient_id, entry.cause_id, entry.detail,
    )  # fmt: skip


def _entry(columns: Sequence[object]) -> AuditEntry:
    names = ("at", "actor", "actor_role", "action", "network_id", "clinic_id", "referral_id", "patient_id", "cause_id")
    return AuditEntry(**dict(zip((*names, "detail"), columns, strict=True)))  # type: ignore[arg-type]
