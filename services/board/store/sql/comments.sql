SELECT history.sequence, history.comment
FROM stager.stage_history AS history
WHERE history.network_id = %(network_id)s AND history.referral_id = %(referral_id)s AND history.comment IS NOT NULL
