SELECT DISTINCT referral.referral_id, referral.received_at
FROM matcher.patient AS patient
JOIN matcher.referral AS referral
  ON referral.network_id = patient.network_id
 -- CASE, because the planner does not trust coalesce() under row rules and would read the whole table
 AND referral.patient_id = CASE WHEN patient.merged_into IS NULL THEN patient.patient_id ELSE patient.merged_into END
WHERE patient.network_id = %(network_id)s AND patient.birth_date = %(birth_date)s
ORDER BY referral.received_at DESC, referral.referral_id
LIMIT %(most)s
