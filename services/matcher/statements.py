"""The SQL of the matcher, whole; only the store runs it."""

from typing import NamedTuple


class Addition(NamedTuple):
    """How new rows reach a table with row rules, which takes no COPY: all of a batch as one JSON parameter."""

    columns: tuple[str, ...]
    insert: str


def _addition(table: str, columns: str) -> Addition:
    return Addition(
        columns=tuple(name.strip() for name in columns.split(",")),
        insert=f"""INSERT INTO matcher.{table} ({columns})
                   SELECT {columns} FROM json_populate_recordset(NULL::matcher.{table}, %s)""",  # noqa: S608 - constants
    )


PATIENT_COLUMNS = """patient.network_id, patient.patient_id, patient.matching_key, patient.created_at,
       patient.updated_at, patient.version, patient.merged_into, patient.given_name, patient.middle_name,
       patient.last_name, patient.birth_date, patient.sex, patient.phone, patient.mrn, patient.mrn_issuer,
       patient.external_ids"""

# What is looked up comes as one JSON array a column: it is many times cheaper to write than an SQL array.
# OFFSET 0 keeps each lookup an index search of its own; the planner would else read and hash a whole table.

PATIENTS = f"""
SELECT {PATIENT_COLUMNS}
FROM ROWS FROM (json_array_elements_text(%s), json_array_elements_text(%s)) AS wanted (network_id, patient_id)
JOIN matcher.patient USING (network_id, patient_id)
"""  # noqa: S608 - the columns are the constant above

#: in order of id, so that two batches never wait for each other in a circle
LOCKED_PATIENTS = f"""{PATIENTS}
ORDER BY patient.network_id, patient.patient_id
FOR UPDATE OF patient
"""

BLOCKS = """
SELECT wanted.key, found.patient_id
FROM (
    SELECT network_id, key::bigint AS key
    FROM ROWS FROM (json_array_elements_text(%s), json_array_elements_text(%s)) AS given (network_id, key)
) AS wanted
CROSS JOIN LATERAL (
    SELECT patient_key.patient_id
    FROM matcher.patient_key
    WHERE patient_key.network_id = wanted.network_id AND patient_key.key = wanted.key
    LIMIT %s
) AS found
"""

DECISIONS = """
SELECT review_decision.patient_id, review_decision.other_patient_id, review_decision.decision
FROM ROWS FROM (json_array_elements_text(%s), json_array_elements_text(%s)) AS wanted (network_id, patient_id)
JOIN matcher.review_decision USING (network_id, patient_id)
"""

TRANSMISSIONS = """
SELECT DISTINCT earlier.network_id, earlier.submission_id, earlier.referral_id, earlier.fingerprint,
       earlier.content_fingerprint, earlier.received_at, earlier.repeat_of
FROM ROWS FROM (json_array_elements_text(%s), json_array_elements_text(%s), json_array_elements_text(%s),
                json_array_elements_text(%s)) AS wanted (network_id, submission_id, fingerprint, content_fingerprint)
CROSS JOIN LATERAL (
    (SELECT transmission.* FROM matcher.transmission
     WHERE transmission.network_id = wanted.network_id AND transmission.submission_id = wanted.submission_id OFFSET 0)
    UNION ALL
    (SELECT transmission.* FROM matcher.transmission
     WHERE transmission.network_id = wanted.network_id AND transmission.fingerprint = wanted.fingerprint
       AND transmission.repeat_of IS NULL OFFSET 0)
    UNION ALL
    (SELECT transmission.* FROM matcher.transmission
     WHERE transmission.network_id = wanted.network_id
       AND transmission.content_fingerprint = wanted.content_fingerprint
       AND transmission.repeat_of IS NULL AND transmission.content_fingerprint IS NOT NULL OFFSET 0)
) AS earlier
"""

REFERRALS = """
SELECT referral.network_id, referral.referral_id, referral.clinic_id, referral.patient_id, referral.submission_id,
       referral.channel, referral.specialty, referral.referring_provider, referral.reason,
       referral.referring_organisation, referral.referring_contact, referral.priority,
       referral.insurance_payer IS NOT NULL, referral.authorisation_number IS NOT NULL, referral.missing_items,
       referral.documents, referral.received_at, referral.accepted_at, referral.outcome
FROM ROWS FROM (json_array_elements_text(%s), json_array_elements_text(%s)) AS wanted (network_id, referral_id)
JOIN matcher.referral USING (network_id, referral_id)
"""

ADD_PATIENTS = _addition(
    "patient",
    """network_id, patient_id, matching_key, created_at, updated_at, version, given_name, middle_name,
    last_name, birth_date, sex, phone, mrn, mrn_issuer, external_ids""",
)

COPY_KEYS = "COPY matcher.patient_key (network_id, key, patient_id) FROM STDIN"

ADD_REFERRALS = _addition(
    "referral",
    """network_id, referral_id, clinic_id, patient_id, first_patient_id, submission_id, channel, source,
    source_message_id, content_digest, received_at, accepted_at, stated, referring_provider, referring_npi,
    referring_organisation, referring_contact, specialty, service, reason, diagnosis_codes, order_number, priority,
    insurance_payer, insurance_member_id, authorisation_number, note, missing_items, documents, outcome, rule,
    matched_at""",
)

COPY_TRANSMISSIONS = """
COPY matcher.transmission (network_id, submission_id, referral_id, fingerprint, content_fingerprint, received_at,
    repeat_of) FROM STDIN
"""

ADD_REPEATS = _addition("repeat", "network_id, acknowledged_as, referral_id")

ADD_JOURNAL = _addition(
    "patient_event",
    """network_id, event_id, kind, state, patient_id, other_patient_id, referral_id, decision,
    expected_version, version, before, after, by_user, by_role, comment, at, recorded_at""",
)

#: a patient that a link completes is not locked, so only fields that are still empty are written
FILL_PATIENTS = """
UPDATE matcher.patient
SET middle_name = coalesce(patient.middle_name, filled.middle_name),
    birth_date = coalesce(patient.birth_date, filled.birth_date),
    sex = coalesce(patient.sex, filled.sex),
    phone = coalesce(patient.phone, filled.phone),
    mrn_issuer = CASE WHEN patient.mrn IS NULL THEN filled.mrn_issuer ELSE patient.mrn_issuer END,
    mrn = coalesce(patient.mrn, filled.mrn),
    updated_at = filled.updated_at
FROM unnest(%s::text[], %s::text[], %s::text[], %s::date[], %s::text[], %s::text[], %s::text[], %s::text[],
            %s::timestamptz[])
    AS filled (network_id, patient_id, middle_name, birth_date, sex, phone, mrn, mrn_issuer, updated_at)
WHERE patient.network_id = filled.network_id AND patient.patient_id = filled.patient_id
"""

CORRECT_PATIENT = """
UPDATE matcher.patient
SET matching_key = %s, version = %s, updated_at = %s, given_name = %s, middle_name = %s, last_name = %s,
    birth_date = %s, sex = %s, phone = %s, mrn = %s, mrn_issuer = %s, external_ids = %s
WHERE network_id = %s AND patient_id = %s
"""

ADD_KEYS = """
INSERT INTO matcher.patient_key (network_id, key, patient_id)
SELECT * FROM unnest(%s::text[], %s::bigint[], %s::text[])
ON CONFLICT DO NOTHING
"""

REMOVE_KEYS = """
DELETE FROM matcher.patient_key
USING unnest(%s::text[], %s::bigint[], %s::text[]) AS gone (network_id, key, patient_id)
WHERE patient_key.network_id = gone.network_id AND patient_key.key = gone.key
  AND patient_key.patient_id = gone.patient_id
"""

COMPLETE_REFERRAL = """
UPDATE matcher.referral
SET specialty = %s, referring_provider = %s, reason = %s, missing_items = %s, outcome = %s
WHERE network_id = %s AND referral_id = %s
"""

RAISE_DUPLICATES = """
INSERT INTO matcher.possible_duplicate AS known (network_id, duplicate_id, patient_id, candidate_patient_id,
    referral_id, clinic_id, score, field_scores, rule, raised_at)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::float8[], %s::jsonb[],
                     %s::text[], %s::timestamptz[])
ON CONFLICT (network_id, duplicate_id) DO UPDATE
SET score = excluded.score, field_scores = excluded.field_scores, rule = excluded.rule
WHERE known.state = 'open'
"""

KEEP_DECISION = """
INSERT INTO matcher.review_decision AS known (network_id, patient_id, other_patient_id, decision, decided_by,
    decided_role, decided_at, event_id)
VALUES (%(network_id)s, %(patient_id)s, %(other_patient_id)s, %(decision)s, %(by)s, %(role)s, %(at)s, %(event_id)s),
       (%(network_id)s, %(other_patient_id)s, %(patient_id)s, %(decision)s, %(by)s, %(role)s, %(at)s, %(event_id)s)
ON CONFLICT (network_id, patient_id, other_patient_id) DO UPDATE
SET decision = excluded.decision, decided_by = excluded.decided_by, decided_role = excluded.decided_role,
    decided_at = excluded.decided_at, event_id = excluded.event_id
"""

CLOSE_DUPLICATE = """
UPDATE matcher.possible_duplicate
SET state = %(decision)s, decided_by = %(by)s, decided_at = %(at)s
WHERE network_id = %(network_id)s
  AND ((patient_id = %(patient_id)s AND candidate_patient_id = %(other_patient_id)s)
       OR (patient_id = %(other_patient_id)s AND candidate_patient_id = %(patient_id)s))
"""
