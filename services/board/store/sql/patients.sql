SELECT patient.patient_id, patient.given_name, patient.middle_name, patient.last_name, patient.birth_date, patient.sex,
       patient.phone, patient.mrn, patient.external_ids, patient.version AS patient_version
FROM matcher.patient AS patient
WHERE patient.network_id = %(network_id)s AND patient.patient_id = ANY(%(patient_ids)s)
