SELECT referral.referral_id, referral.service, referral.order_number, referral.source,
       patient.patient_id, patient.given_name, patient.middle_name, patient.last_name, patient.birth_date, patient.sex,
       patient.phone, patient.mrn, patient.external_ids, patient.version AS patient_version
FROM matcher.referral AS referral
JOIN matcher.patient AS patient
  ON patient.network_id = referral.network_id AND patient.patient_id = referral.patient_id
WHERE referral.network_id = %(network_id)s AND referral.referral_id = ANY(%(referral_ids)s)
