SELECT command.command_id, command.referral_id, command.action, command.outcome, command.refusal, command.detail,
       command.version, history.to_stage AS stage
FROM stager.command AS command
LEFT JOIN LATERAL (
    SELECT change.to_stage
    FROM stager.stage_history AS change
    WHERE change.network_id = command.network_id AND change.referral_id = command.referral_id
      AND change.sequence <= command.version
    ORDER BY change.sequence DESC
    LIMIT 1
) AS history ON true
WHERE command.network_id = %(network_id)s AND command.command_id = %(command_id)s
