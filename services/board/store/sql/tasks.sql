SELECT task.task_id, task.referral_id, task.clinic_id, task.type, task.owner_queue, task.owner_user, task.due_at,
       task.status, task.stage_entry, task.created_at, task.completed_at, task.completed_by,
       coalesce(task.due_at, 'infinity')::text AS due_order
FROM stager.task AS task
WHERE task.network_id = %(network_id)s
  AND task.status = %(status)s
  AND (%(queue)s::text IS NULL OR task.owner_queue = %(queue)s)
  AND (%(owner)s::text IS NULL OR task.owner_user = %(owner)s)
  AND (coalesce(task.due_at, 'infinity'), task.task_id)
    > (%(after_due)s::timestamptz, %(after_id)s::text)
ORDER BY task.due_at NULLS LAST, task.task_id
LIMIT %(most)s
