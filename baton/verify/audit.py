"""Invariant G: every audit chain is whole, and every change has exactly one row."""

import psycopg

from baton.verify.checks import Check, Count, disagreement, verdict_of
from baton.verify.findings import Invariant, Verdict
from runtime.audit import verify_chains
from schemas.vocabulary import ChangeKind

_KINDS = ", ".join(f"'{kind.value}'" for kind in ChangeKind)
#: read without parsing, as an altered row need not be JSON any more
_ACTS = f"""
    SELECT network_id, referral_id, action, cause_id, actor,
           substring(detail FROM '"sequence":([0-9]+)')::bigint AS sequence
    FROM audit.entry WHERE action IN ({_KINDS})
"""
_PATIENT_ACTS = "('patient.created', 'patient.linked')"

AUDIT = (
    Check(
        "change without a row of the audit, or with one that tells something else",
        f"""SELECT history.referral_id || '/' || history.sequence AS id
            FROM stager.stage_history AS history WHERE NOT EXISTS (
                SELECT FROM ({_ACTS}) AS act WHERE act.network_id = history.network_id
                  AND act.referral_id = history.referral_id AND act.sequence = history.sequence
                  AND act.action = history.kind AND act.cause_id = history.cause_id AND act.actor = history.actor)""",
    ),
    Check(
        "change with several rows of the audit",
        f"""SELECT referral_id || '/' || sequence AS id FROM ({_ACTS}) AS act
            GROUP BY network_id, referral_id, sequence HAVING count(*) > 1""",
    ),
    Check(
        "row of the audit without a change",
        f"""SELECT referral_id || '/' || sequence AS id FROM ({_ACTS}) AS act WHERE NOT EXISTS (
                SELECT FROM stager.stage_history AS history WHERE act.network_id = history.network_id
                  AND act.referral_id = history.referral_id AND act.sequence = history.sequence)""",
    ),
    Check(
        "match without exactly one row of the audit",
        f"""SELECT referral.referral_id AS id FROM matcher.referral LEFT JOIN audit.entry
                ON entry.network_id = referral.network_id AND entry.referral_id = referral.referral_id
               AND entry.action IN {_PATIENT_ACTS}
            GROUP BY referral.network_id, referral.referral_id HAVING count(entry.chain_id) <> 1""",
    ),
    Check(
        "row of the audit for a match that is not there",
        f"""SELECT entry.referral_id AS id FROM audit.entry WHERE action IN {_PATIENT_ACTS} AND NOT EXISTS (
                SELECT FROM matcher.referral WHERE referral.network_id = entry.network_id
                                               AND referral.referral_id = entry.referral_id)""",
    ),
)


def audit(connection: psycopg.Connection) -> Verdict:
    """Recompute the chains and compare their rows with the changes."""
    verdict = verdict_of(
        connection,
        Invariant.AUDIT,
        AUDIT,
        (
            Count("chains", "SELECT count(*) FROM audit.chain"),
            Count("rows", "SELECT count(*) FROM audit.entry"),
        ),
    )
    broken = [f"{r.chain_id}/{r.broken_at}" for r in verify_chains(connection) if r.broken_at is not None]
    if not broken:
        return verdict
    chains = disagreement("chain with a row that does not follow from the one before", len(broken), broken)
    return Verdict(verdict.invariant, verdict.counts, (chains, *verdict.disagreements))
