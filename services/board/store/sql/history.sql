SELECT history.sequence, history.kind, history.from_stage, history.to_stage, history.stage_entry, history.waiting_on,
       history.owner_queue, history.owner_user, history.due_at, history.actor_type, history.actor, history.reason_code,
       history.outcome, history.task_id, history.breached, history.is_rework, history.effective_at, history.recorded_at
FROM stager.stage_history AS history
WHERE history.network_id = %(network_id)s AND history.referral_id = %(referral_id)s
ORDER BY history.sequence
