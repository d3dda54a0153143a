"""Invariants A and B: what was accepted exists exactly once, and nothing exists that nobody sent."""

import psycopg

from baton.verify.checks import Check, Count, verdict_of
from baton.verify.findings import Invariant, Verdict

#: submissions that were on their topic before anything else was looked at
_ACCEPTED = """
    SELECT DISTINCT record.submission_id FROM record JOIN span USING (topic, partition)
    WHERE topic = %(submitted)s AND record.event_id IS NOT NULL AND record."offset" < span.sure_end
"""
#: what became of submissions: a referral, a repeat of one, or a record in the quarantine of intake or matcher
_OUTCOMES = """
    SELECT submission_id, 'referral' AS outcome FROM matcher.referral
    UNION ALL
    SELECT submission_id, 'repeat' FROM matcher.transmission WHERE repeat_of IS NOT NULL
"""
_QUARANTINED = """
    SELECT record.submission_id FROM record JOIN intake.quarantine USING (topic, partition, "offset")
    WHERE topic = %(submitted)s
    UNION
    SELECT record.submission_id FROM record JOIN matcher.quarantine USING (topic, partition, "offset")
    WHERE topic = %(received)s
"""
#: referrals that the stager has to know by now
_TO_BE_STAGED = """
    SELECT record.referral_id FROM record JOIN consumption USING (topic, partition)
    WHERE service = 'stager' AND topic = %(matched)s AND record."offset" < consumption.committed
    UNION
    SELECT record.referral_id FROM record JOIN span USING (topic, partition)
    WHERE topic = %(submitted)s AND record."offset" < span.sure_end
"""
_WAITING_FOR_A_STAGE = """
    SELECT record.referral_id FROM record JOIN stager.quarantine USING (topic, partition, "offset")
    WHERE topic = %(matched)s
"""
#: where older records are gone, what they were the reason of can not be told
_IS_WHOLE = "NOT EXISTS (SELECT FROM span WHERE topic = %(submitted)s AND first > 0)"

EXISTS_ONCE = (
    Check(
        "submission that is neither a referral nor a repeat nor in quarantine",
        f"""SELECT submission_id AS id FROM ({_ACCEPTED}) AS accepted
            WHERE NOT EXISTS (SELECT FROM ({_OUTCOMES}) AS known WHERE known.submission_id = accepted.submission_id)
              AND NOT EXISTS (
                SELECT FROM ({_QUARANTINED}) AS kept WHERE kept.submission_id = accepted.submission_id)""",
    ),
    Check(
        "submission that became several things",
        f"""SELECT submission_id AS id FROM ({_OUTCOMES}) AS known
            GROUP BY submission_id HAVING count(*) > 1""",
    ),
    Check(
        "repeat of a submission that made no referral",
        """SELECT repeated.submission_id AS id FROM matcher.transmission AS repeated
           WHERE repeat_of IS NOT NULL AND NOT EXISTS (
               SELECT FROM matcher.referral WHERE referral.network_id = repeated.network_id
                                              AND referral.submission_id = repeated.repeat_of)""",
    ),
    Check(
        "referral with a patient and without a stage",
        f"""SELECT matched.referral_id AS id FROM matcher.referral AS matched JOIN ({_TO_BE_STAGED}) AS due
                USING (referral_id)
            WHERE NOT EXISTS (SELECT FROM stager.referral AS staged WHERE staged.referral_id = matched.referral_id
                                                                     AND staged.network_id = matched.network_id)
              AND NOT EXISTS (SELECT FROM ({_WAITING_FOR_A_STAGE}) AS waiting
                              WHERE waiting.referral_id = matched.referral_id)""",
    ),
)
NOTHING_UNSENT = (
    Check(
        "referral of a submission that nobody sent",
        f"""SELECT referral_id AS id FROM matcher.referral WHERE {_IS_WHOLE} AND NOT EXISTS (
                SELECT FROM record WHERE topic = %(submitted)s AND record.submission_id = referral.submission_id)""",
    ),
    Check(
        "referral under another id than its submission's",
        """SELECT referral.referral_id AS id FROM matcher.referral
           JOIN (SELECT DISTINCT submission_id, referral_id FROM record WHERE topic = %(submitted)s) AS sent
               USING (submission_id)
           WHERE sent.referral_id <> referral.referral_id""",
    ),
    Check(
        "referral in a stage that was never matched",
        """SELECT staged.referral_id AS id FROM stager.referral AS staged WHERE NOT EXISTS (
               SELECT FROM matcher.referral WHERE referral.network_id = staged.network_id
                 AND referral.referral_id = staged.referral_id AND referral.submission_id = staged.submission_id)""",
    ),
    Check(
        "repeat that nobody sent",
        f"""SELECT submission_id AS id FROM matcher.transmission WHERE {_IS_WHOLE} AND NOT EXISTS (
                SELECT FROM record
                WHERE topic = %(submitted)s AND record.submission_id = transmission.submission_id)""",
    ),
    Check(
        "patient whom no referral brought",
        """SELECT patient.patient_id AS id FROM matcher.patient WHERE NOT EXISTS (
               SELECT FROM matcher.referral WHERE referral.network_id = patient.network_id
                                              AND referral.first_patient_id = patient.patient_id)""",
    ),
)


def existence(connection: psycopg.Connection) -> tuple[Verdict, Verdict]:
    """Compare accepted submissions with referrals, both ways."""
    return (
        verdict_of(
            connection,
            Invariant.EXISTS_ONCE,
            EXISTS_ONCE,
            (
                Count("submissions", f"SELECT count(*) FROM ({_ACCEPTED}) AS accepted"),
                Count("repeats", "SELECT count(*) FROM matcher.transmission WHERE repeat_of IS NOT NULL"),
                Count("in quarantine", f"SELECT count(*) FROM ({_QUARANTINED}) AS kept"),
            ),
        ),
        verdict_of(
            connection,
            Invariant.NOTHING_UNSENT,
            NOTHING_UNSENT,
            (
                Count("referrals", "SELECT count(*) FROM matcher.referral"),
                Count("in a stage", "SELECT count(*) FROM stager.referral"),
                Count("patients", "SELECT count(*) FROM matcher.patient"),
            ),
        ),
    )
