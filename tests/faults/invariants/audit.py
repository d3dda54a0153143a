"""Invariant G: the audit chain verifies, recomputed here by its documented recipe, with one row a change."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC

from tests.faults.evidence import AuditRow, Evidence, Invariant, Violation

FIRST = "0" * 64
PATIENT_ACTS = ("patient.created", "patient.linked")


def broken_audit(evidence: Evidence) -> Iterator[Violation]:
    """Yield breaks of a chain, changes without a row and rows without a change."""
    chains: defaultdict[str, list[AuditRow]] = defaultdict(list)
    for row in evidence.tables.audit:
        chains[row.chain_id].append(row)
    for chain_id in sorted(chains.keys() | evidence.tables.chain_ends.keys()):
        rows = sorted(chains[chain_id], key=lambda row: row.position)
        yield from _breaks(chain_id, rows, evidence.tables.chain_ends.get(chain_id, (0, FIRST)))
    yield from _uncovered(evidence)


def hash_of(row: AuditRow, previous: str) -> str:
    """Compute what the hash of a row has to be, given the hash before it."""
    content = [
        previous, row.position, row.at.astimezone(UTC).isoformat(), row.actor, row.actor_role, row.action,
        row.network_id, row.clinic_id, row.referral_id, row.patient_id, row.cause_id, row.detail,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


def _breaks(chain_id: str, rows: Sequence[AuditRow], end: tuple[int, str]) -> Iterator[Violation]:
    previous = FIRST
    for place, row in enumerate(rows, start=1):
        if row.position != place:
            yield _wrong("a position is missing or doubled", f"{chain_id}/{place}")
            return
        if row.previous_hash != previous or row.hash != hash_of(row, previous):
            yield _wrong("a row does not follow from the one before", f"{chain_id}/{place}")
            return
        previous = row.hash
    if end != (len(rows), previous):
        yield _wrong("the chain does not end where it says", chain_id)


def _uncovered(evidence: Evidence) -> Iterator[Violation]:
    tables = evidence.tables
    changes = Counter((str(row.referral_id), row.cause_id, row.kind) for row in tables.history)
    kinds = {row.kind for row in tables.history}
    acts = (row for row in tables.audit if row.chain_id.startswith("stager") and row.action in kinds)
    told = Counter((str(row.referral_id), row.cause_id, row.action) for row in acts)
    for change in changes.keys() | told.keys():
        if changes[change] != told[change]:
            yield _wrong(f"{changes[change]} changes, {told[change]} rows", f"{change[0]} {change[2]}")
    arrivals = Counter(a.referral_id for a in tables.audit if a.action in PATIENT_ACTS)
    for row in tables.matched:
        if arrivals[row.referral_id] != 1:
            yield _wrong(f"a match with {arrivals[row.referral_id]} rows", row.referral_id)


def _wrong(what: str, subject: str) -> Violation:
    return Violation(Invariant.AUDIT, what, subject)
