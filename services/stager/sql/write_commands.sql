-- a command id that comes again with another content keeps its first answer
INSERT INTO stager.command (
    network_id, command_id, referral_id, action, outcome, refusal, detail, version, by_user, by_role, at
)
SELECT
    network_id, command_id, referral_id, action, outcome, refusal, detail, version, by_user, by_role, at
FROM json_populate_recordset(NULL::stager.command, %s::json)
ON CONFLICT DO NOTHING
