-- in the order of ids, so that two writers never wait for each other
SELECT
    network_id, referral_id, clinic_id, patient_id, submission_id, channel, received_at, specialty,
    referring_provider, referring_organisation, referring_contact, has_insurance, has_authorisation, priority,
    stage, stage_entry, stage_entered_at, clock, clock_started_at, used_s, remind_at, due_at, owner_queue,
    owner_user, waiting_on, missing_items, settled_items, reason_code, reminded, breached, interrupted_stage,
    interrupted_used_s, rework_count, appointment_id, appointment_status, appointment_at, appointments,
    stage_table_version, sla_policy, sequence, updated_at
FROM stager.referral
WHERE referral_id = ANY (%s)
ORDER BY referral_id
FOR UPDATE
