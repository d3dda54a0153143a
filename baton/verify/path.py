"""Invariant C: the history of a referral is a dense, legal path to its one current stage, and R4 holds."""

import psycopg

from baton.verify.checks import Check, Count, verdict_of
from baton.verify.findings import Invariant, Verdict

_STEPS = """
    SELECT network_id, referral_id, sequence, kind, from_stage, to_stage, stage_entry, stage_table_version,
           row_number() OVER of_referral AS place,
           lag(to_stage) OVER of_referral AS stage_before,
           lag(stage_entry) OVER of_referral AS entry_before
    FROM stager.stage_history
    WINDOW of_referral AS (PARTITION BY network_id, referral_id ORDER BY sequence)
"""
#: moves that people and rules make, and where the news of appointments lead, also out of an exception
_LEGAL = """
    SELECT version, from_stage, to_stage FROM stager.stage_transition
    UNION
    SELECT version, source, leads.value #>> '{{}}'
    FROM stager.stage_table
         CROSS JOIN LATERAL (
             SELECT jsonb_array_elements_text(content #> '{{appointments,moves_from}}')
             UNION ALL
             SELECT key FROM jsonb_each(content -> 'stages') WHERE (value ->> 'suspends')::boolean
         ) AS sources (source)
         CROSS JOIN LATERAL jsonb_each(content #> '{{appointments,leads_to}}') AS leads
"""
_FIRST = """
    SELECT version, content ->> 'arrives_complete' AS stage FROM stager.stage_table
    UNION
    SELECT version, content ->> 'arrives_incomplete' FROM stager.stage_table
"""


def _steps(condition: str) -> str:
    return f"SELECT referral_id || '/' || sequence AS id FROM ({_STEPS}) AS step WHERE {condition}"


LEGAL_PATH = (
    Check("change after a gap in the sequence", _steps("sequence <> place")),
    Check(
        "history that does not begin with the opening in a first stage",
        _steps(
            f"""place = 1 AND (kind <> 'opened' OR stage_entry <> 1 OR from_stage IS NOT NULL
                OR (stage_table_version, to_stage) NOT IN (SELECT version, stage FROM ({_FIRST}) AS first))"""
        ),
    ),
    Check("second opening", _steps("place > 1 AND kind = 'opened'")),
    Check(
        "move that the stage table does not have",
        _steps(
            f"""kind = 'stage_changed' AND NOT EXISTS (
                SELECT FROM ({_LEGAL}) AS legal WHERE legal.version = step.stage_table_version
                  AND legal.from_stage = step.stage_before AND legal.to_stage = step.to_stage)"""
        ),
    ),
    Check(
        "change that does not go on from the one before",
        _steps(
            """place > 1 AND (
                CASE WHEN kind = 'stage_changed'
                     THEN from_stage IS DISTINCT FROM stage_before OR stage_entry <> entry_before + 1
                     ELSE from_stage IS NOT NULL OR to_stage <> stage_before OR stage_entry <> entry_before END)"""
        ),
    ),
    Check(
        "referral that is not where its history ends",
        """SELECT referral_id AS id FROM stager.referral LEFT JOIN (
               SELECT DISTINCT ON (network_id, referral_id) network_id, referral_id, sequence, to_stage, stage_entry
               FROM stager.stage_history ORDER BY network_id, referral_id, sequence DESC
           ) AS last USING (network_id, referral_id)
           WHERE (last.sequence, last.to_stage, last.stage_entry)
               IS DISTINCT FROM (referral.sequence, referral.stage, referral.stage_entry)""",
    ),
    Check(
        "history of no referral",
        """SELECT DISTINCT referral_id AS id FROM stager.stage_history AS history WHERE NOT EXISTS (
               SELECT FROM stager.referral WHERE referral.network_id = history.network_id
                                             AND referral.referral_id = history.referral_id)""",
    ),
    Check(
        "open referral without what it needs (R4)",
        "SELECT referral_id || ' ' || lacks AS id FROM stager.invariant_violations",
    ),
    Check(
        "ended referral with a running clock or an open task",
        """SELECT referral_id AS id FROM stager.referral
           JOIN stager.stage ON stage.version = referral.stage_table_version AND stage.stage = referral.stage
           WHERE NOT stage.is_open AND (referral.clock <> 'stopped' OR EXISTS (
               SELECT FROM stager.task WHERE task.referral_id = referral.referral_id AND task.status = 'open'))""",
    ),
    Check(
        "task of no referral",
        """SELECT task_id AS id FROM stager.task WHERE NOT EXISTS (
               SELECT FROM stager.referral WHERE referral.network_id = task.network_id
                                             AND referral.referral_id = task.referral_id)""",
    ),
)


def paths(connection: psycopg.Connection) -> Verdict:
    """Follow every history by the stage table in the database."""
    return verdict_of(
        connection,
        Invariant.LEGAL_PATH,
        LEGAL_PATH,
        (
            Count("referrals", "SELECT count(*) FROM stager.referral"),
            Count("changes", "SELECT count(*) FROM stager.stage_history"),
            Count(
                "open",
                """SELECT count(*) FROM stager.referral
                   JOIN stager.stage ON stage.version = stage_table_version AND stage.stage = referral.stage
                   WHERE is_open""",
            ),
        ),
    )
