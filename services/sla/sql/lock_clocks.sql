-- the clocks of current stays; waits for a firing that has some of them in hand
SELECT
    clock.network_id, clock.referral_id, clock.stage_entry, clock.kind, clock.clinic_id, clock.stage,
    clock.owner_queue, clock.fires_at, clock.due_at, clock.state, clock.round, clock.is_heard, clock.signal_id,
    clock.sequence
FROM unnest(%s::text[], %s::text[], %s::integer[]) AS wanted (network_id, referral_id, stage_entry)
         JOIN sla.clock AS clock USING (network_id, referral_id, stage_entry)
ORDER BY clock.network_id, clock.referral_id, clock.kind
FOR UPDATE OF clock
