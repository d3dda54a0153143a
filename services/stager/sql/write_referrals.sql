INSERT INTO stager.referral (
    network_id, referral_id, clinic_id, patient_id, submission_id, channel, received_at, specialty,
    referring_provider, referring_organisation, referring_contact, has_insurance, has_authorisation, priority,
    stage, stage_entry, stage_entered_at, clock, clock_started_at, used_s, remind_at, due_at, owner_queue,
    owner_user, waiting_on, missing_items, settled_items, reason_code, reminded, breached, interrupted_stage,
    interrupted_used_s, rework_count, appointment_id, appointment_status, appointment_at, appointments,
    stage_table_version, sla_policy, sequence, updated_at
)
SELECT
    network_id, referral_id, clinic_id, patient_id, submission_id, channel, received_at, specialty,
    referring_provider, referring_organisation, referring_contact, has_insurance, has_authorisation, priority,
    stage, stage_entry, stage_entered_at, clock, clock_started_at, used_s, remind_at, due_at, owner_queue,
    owner_user, waiting_on, missing_items, settled_items, reason_code, reminded, breached, interrupted_stage,
    interrupted_used_s, rework_count, appointment_id, appointment_status, appointment_at, appointments,
    stage_table_version, sla_policy, sequence, updated_at
FROM json_populate_recordset(NULL::stager.referral, %s::json)
ON CONFLICT (network_id, referral_id) DO UPDATE SET
    patient_id = excluded.patient_id, specialty = excluded.specialty,
    referring_provider = excluded.referring_provider, referring_organisation = excluded.referring_organisation,
    referring_contact = excluded.referring_contact, has_insurance = excluded.has_insurance,
    has_authorisation = excluded.has_authorisation, priority = excluded.priority, stage = excluded.stage,
    stage_entry = excluded.stage_entry, stage_entered_at = excluded.stage_entered_at, clock = excluded.clock,
    clock_started_at = excluded.clock_started_at, used_s = excluded.used_s, remind_at = excluded.remind_at,
    due_at = excluded.due_at, owner_queue = excluded.owner_queue, owner_user = excluded.owner_user,
    waiting_on = excluded.waiting_on, missing_items = excluded.missing_items,
    settled_items = excluded.settled_items, reason_code = excluded.reason_code, reminded = excluded.reminded,
    breached = excluded.breached,
    interrupted_stage = excluded.interrupted_stage, interrupted_used_s = excluded.interrupted_used_s,
    rework_count = excluded.rework_count, appointment_id = excluded.appointment_id,
    appointment_status = excluded.appointment_status, appointment_at = excluded.appointment_at,
    appointments = excluded.appointments, stage_table_version = excluded.stage_table_version,
    sla_policy = excluded.sla_policy, sequence = excluded.sequence, updated_at = excluded.updated_at
