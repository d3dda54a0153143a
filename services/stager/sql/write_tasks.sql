INSERT INTO stager.task (
    network_id, task_id, referral_id, clinic_id, template, type, owner_queue, owner_user, due_at, status,
    stage_entry, created_at, completed_at, completed_by
)
SELECT
    network_id, task_id, referral_id, clinic_id, template, type, owner_queue, owner_user, due_at, status,
    stage_entry, created_at, completed_at, completed_by
FROM json_populate_recordset(NULL::stager.task, %s::json)
ON CONFLICT (network_id, task_id) DO UPDATE SET
    owner_user = excluded.owner_user, due_at = excluded.due_at, status = excluded.status,
    completed_at = excluded.completed_at, completed_by = excluded.completed_by
