SELECT correction.event_id AS command_id, correction.patient_id, correction.version AS patient_version,
       CASE correction.state WHEN 'stale' THEN 'refused' ELSE correction.state END AS outcome,
       CASE correction.state WHEN 'stale' THEN 'stale_version' END AS rule
FROM matcher.patient_event AS correction
WHERE correction.network_id = %(network_id)s AND correction.event_id = %(command_id)s
