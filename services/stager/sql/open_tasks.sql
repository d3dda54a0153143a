SELECT
    network_id, task_id, referral_id, clinic_id, template, type, owner_queue, owner_user, due_at, status,
    stage_entry, created_at, completed_at, completed_by
FROM stager.task
WHERE referral_id = ANY (%s) AND status = 'open'
ORDER BY referral_id, created_at, task_id
