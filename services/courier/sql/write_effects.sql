INSERT INTO courier.effect (
    effect_id, network_id, notice_id, transport, address, state, next_attempt_at, created_at
)
SELECT effect_id, network_id, notice_id, transport, address, state, next_attempt_at, created_at
FROM json_populate_recordset(NULL::courier.effect, %s::json)
ON CONFLICT DO NOTHING
