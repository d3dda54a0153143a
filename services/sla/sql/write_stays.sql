INSERT INTO sla.stay (network_id, referral_id, stage_entry, sequence)
SELECT * FROM unnest(%s::text[], %s::text[], %s::integer[], %s::integer[])
ON CONFLICT (network_id, referral_id) DO UPDATE SET
    stage_entry = excluded.stage_entry, sequence = excluded.sequence
