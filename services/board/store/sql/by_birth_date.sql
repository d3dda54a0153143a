SELECT DISTINCT referral.referral_id, referral.received_at
FROM matcher.patient AS patient
JOIN matcher.referral AS referral
  ON referral.network_id = patient.network_id AND referral.patient_id = coalesce(patient.merged_into, patient.patient_id)
WHERE patient.network_id = %(network_id)s AND patient.birth_date = %(birth_date)s
ORDER BY referral.received_at DESC, referral.referral_id
LIMIT %(most)s
