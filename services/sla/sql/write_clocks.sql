INSERT INTO sla.clock (
    network_id, referral_id, stage_entry, kind, clinic_id, stage, owner_queue, fires_at, due_at, state, round,
    is_heard, signal_id, sequence
)
SELECT
    network_id, referral_id, stage_entry, kind, clinic_id, stage, owner_queue, fires_at, due_at, state, round,
    is_heard, signal_id, sequence
FROM json_populate_recordset(NULL::sla.clock, %s::json)
ON CONFLICT (network_id, referral_id, stage_entry, kind) DO UPDATE SET
    owner_queue = excluded.owner_queue, fires_at = excluded.fires_at, due_at = excluded.due_at,
    state = excluded.state, round = excluded.round, is_heard = excluded.is_heard, signal_id = excluded.signal_id,
    sequence = excluded.sequence
