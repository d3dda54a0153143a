SELECT patient.matching_key
FROM matcher.patient AS patient
WHERE patient.network_id = %(network_id)s AND patient.patient_id = %(patient_id)s
