SELECT DISTINCT referral.referral_id, referral.received_at
FROM unnest(%(last_names)s::text[], %(given_from)s::text[], %(given_to)s::text[]) AS pair(last_name, given_from, given_to)
JOIN matcher.patient AS patient
  ON patient.network_id = %(network_id)s
 AND patient.last_name_key = pair.last_name
 AND patient.given_name_key >= pair.given_from
 AND patient.given_name_key < pair.given_to
JOIN matcher.referral AS referral
  ON referral.network_id = patient.network_id
 -- CASE, because the planner does not trust coalesce() under row rules and would read the whole table
 AND referral.patient_id = CASE WHEN patient.merged_into IS NULL THEN patient.patient_id ELSE patient.merged_into END
WHERE (%(birth_date)s::date IS NULL OR patient.birth_date = %(birth_date)s)
  AND (%(phone)s::text IS NULL OR patient.phone = %(phone)s)
ORDER BY referral.received_at DESC, referral.referral_id
LIMIT %(most)s
