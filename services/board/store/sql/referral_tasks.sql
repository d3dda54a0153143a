SELECT task.task_id, task.referral_id, task.clinic_id, task.type, task.owner_queue, task.owner_user, task.due_at,
       task.status, task.stage_entry, task.created_at, task.completed_at, task.completed_by
FROM stager.task AS task
WHERE task.network_id = %(network_id)s AND task.referral_id = %(referral_id)s
ORDER BY task.created_at, task.task_id
