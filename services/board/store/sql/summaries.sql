SELECT referral.referral_id, referral.network_id, referral.clinic_id, referral.patient_id, referral.stage,
       referral.stage_entry, referral.stage_entered_at, referral.owner_queue, referral.owner_user, referral.clock,
       referral.remind_at, referral.due_at, referral.waiting_on, referral.priority, referral.missing_items,
       referral.reason_code, referral.breached, referral.specialty, referral.channel, referral.received_at,
       referral.appointment_id, referral.appointment_status, referral.appointment_at,
       referral.version, referral.updated_at,
       referral.referring_provider, referral.referring_organisation,
       last.kind AS last_kind, last.recorded_at AS last_at, last.actor AS last_by
FROM stager.referral AS referral
LEFT JOIN LATERAL (
    SELECT history.kind, history.recorded_at, history.actor
    FROM stager.stage_history AS history
    WHERE history.network_id = referral.network_id AND history.referral_id = referral.referral_id
    ORDER BY history.sequence DESC
    LIMIT 1
) AS last ON true
WHERE referral.network_id = %(network_id)s AND referral.referral_id = ANY(%(referral_ids)s)
ORDER BY (referral.clock = 'stopped'), referral.received_at DESC, referral.referral_id
