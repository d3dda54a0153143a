INSERT INTO stager.stage_history (
    network_id, referral_id, sequence, clinic_id, kind, from_stage, to_stage, stage_entry, stage_entered_at,
    waiting_on, owner_queue, owner_user, clock, due_at, priority, actor_type, actor, actor_role, reason_code,
    comment, outcome, task_id, breached, is_rework, effective_at, recorded_at, cause_id, stage_table_version
)
SELECT
    network_id, referral_id, sequence, clinic_id, kind, from_stage, to_stage, stage_entry, stage_entered_at,
    waiting_on, owner_queue, owner_user, clock, due_at, priority, actor_type, actor, actor_role, reason_code,
    comment, outcome, task_id, breached, is_rework, effective_at, recorded_at, cause_id, stage_table_version
FROM json_populate_recordset(NULL::stager.stage_history, %s::json)
