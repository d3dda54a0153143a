"""Invariant D: topics tell each fact once, in order, and tell what the tables say."""

import psycopg

from baton.verify.checks import Check, Count, verdict_of
from baton.verify.findings import Invariant, Verdict

#: made inside Kafka transactions; signals and notices repeat after a crash, and their readers know repeats by their ids
_TRANSACTIONAL = "topic IN (%(changed)s, %(state)s, %(matched)s)"
#: each fact where it was told first; that it was told twice is a disagreement of its own
_CHANGES = """
    SELECT DISTINCT ON (event_id) referral_id, sequence, kind, stage, key, partition, "offset", topic, cause_id
    FROM record WHERE topic = %(changed)s AND event_id IS NOT NULL ORDER BY event_id, partition, "offset"
"""
_STATES = """
    SELECT referral_id, sequence, stage, key, partition, "offset", topic FROM record
    WHERE topic = %(state)s AND event_id IS NOT NULL
"""
_LAST_STATES = f"""
    SELECT DISTINCT ON (referral_id) referral_id, sequence, stage FROM ({_STATES}) AS told
    ORDER BY referral_id, partition, "offset" DESC
"""
#: a record that came after the tables were looked at may tell what they did not hold yet
_IS_SURE = """
    EXISTS (SELECT FROM span WHERE span.topic = told.topic AND span.partition = told.partition
                               AND told."offset" < span.sure_end)
"""
_IS_WHOLE = "NOT EXISTS (SELECT FROM span WHERE topic = %(changed)s AND first > 0)"

ONCE_ON_TOPIC = (
    Check(
        "event that is on its topic more than once",
        f"""SELECT topic || ' ' || event_id AS id FROM record WHERE {_TRANSACTIONAL} AND event_id IS NOT NULL
            GROUP BY topic, event_id HAVING count(*) > 1""",
    ),
    Check(
        "record that no subscriber can read",
        f"""SELECT topic || '/' || partition || '/' || "offset" AS id FROM record
            WHERE {_TRANSACTIONAL} AND event_id IS NULL
              AND NOT EXISTS (SELECT FROM sla.quarantine AS kept WHERE (kept.topic, kept.partition, kept."offset")
                                  = (record.topic, record.partition, record."offset"))
              AND NOT EXISTS (SELECT FROM stager.quarantine AS kept WHERE (kept.topic, kept.partition, kept."offset")
                                  = (record.topic, record.partition, record."offset"))""",
    ),
    Check(
        "record under a foreign key",
        f"""SELECT topic || '/' || partition || '/' || "offset" AS id FROM record
            WHERE {_TRANSACTIONAL} AND event_id IS NOT NULL AND key IS DISTINCT FROM referral_id""",
    ),
    Check(
        "change out of the dense order of its referral",
        f"""SELECT referral_id || '/' || sequence AS id FROM (
                SELECT referral_id, sequence, partition, min(partition) OVER by_id AS first_partition,
                       min(sequence) OVER by_id AS lowest,
                       row_number() OVER (PARTITION BY referral_id ORDER BY partition, "offset") AS place
                FROM ({_CHANGES}) AS told WINDOW by_id AS (PARTITION BY referral_id)
            ) AS placed
            WHERE partition <> first_partition
               OR sequence <> place + CASE WHEN {_IS_WHOLE} THEN 0 ELSE lowest - 1 END""",
    ),
    Check(
        "change of the tables that was not announced",
        f"""SELECT history.referral_id || '/' || history.sequence AS id
            FROM stager.stage_history AS history LEFT JOIN ({_CHANGES}) AS told USING (referral_id, sequence)
            WHERE told.topic IS NULL AND {_IS_WHOLE}""",
    ),
    Check(
        "announced change that is not in the tables",
        f"""SELECT told.referral_id || '/' || told.sequence AS id
            FROM ({_CHANGES}) AS told LEFT JOIN stager.stage_history AS history USING (referral_id, sequence)
            WHERE history.network_id IS NULL AND {_IS_SURE}""",
    ),
    Check(
        "announced change that says something else than the tables",
        f"""SELECT told.referral_id || '/' || told.sequence AS id
            FROM ({_CHANGES}) AS told JOIN stager.stage_history AS history USING (referral_id, sequence)
            WHERE (told.kind, told.stage, told.cause_id) <> (history.kind, history.to_stage, history.cause_id)""",
    ),
    Check(
        "state that goes backwards",
        f"""SELECT DISTINCT referral_id AS id FROM (
                SELECT referral_id, sequence,
                       lag(sequence) OVER (PARTITION BY referral_id ORDER BY partition, "offset") AS before
                FROM ({_STATES}) AS told) AS placed
            WHERE sequence < before""",
    ),
    Check(
        "referral whose last announced change or state is not that of the tables",
        f"""SELECT referral.referral_id AS id FROM stager.referral
            LEFT JOIN ({_LAST_STATES}) AS told USING (referral_id)
            WHERE (told.sequence IS NULL OR told.sequence < referral.sequence
                   OR (told.sequence = referral.sequence AND told.stage <> referral.stage))""",
    ),
    Check(
        "announced state that is ahead of the tables",
        f"""SELECT told.referral_id AS id FROM ({_STATES}) AS told LEFT JOIN stager.referral USING (referral_id)
            WHERE {_IS_SURE} AND (referral.sequence IS NULL OR told.sequence > referral.sequence)""",
    ),
    Check(
        "match of the tables that was not announced",
        """SELECT referral.referral_id AS id FROM matcher.referral WHERE NOT EXISTS (
               SELECT FROM record WHERE topic = %(matched)s AND kind = 'received'
                 AND record.referral_id = referral.referral_id AND record.submission_id = referral.submission_id
                 AND record.patient_id = referral.first_patient_id)
             AND NOT EXISTS (SELECT FROM span WHERE topic = %(matched)s AND first > 0)""",
    ),
    Check(
        "announced match that is not in the tables",
        f"""SELECT told.referral_id AS id FROM record AS told WHERE topic = %(matched)s AND event_id IS NOT NULL
              AND {_IS_SURE} AND NOT EXISTS (
                SELECT FROM matcher.referral WHERE referral.referral_id = told.referral_id
                                               AND referral.submission_id = told.submission_id)""",
    ),
)


def announcements(connection: psycopg.Connection) -> Verdict:
    """Compare the topics that the services write with the tables."""
    topics = {"changes": "changed", "states": "state", "matches": "matched"}
    return verdict_of(
        connection,
        Invariant.ONCE_ON_TOPIC,
        ONCE_ON_TOPIC,
        tuple(Count(name, f"SELECT count(*) FROM record WHERE topic = %({topic})s") for name, topic in topics.items()),
    )
