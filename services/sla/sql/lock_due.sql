-- the instant is an argument: the process's clock, which tests can hold; clocks in other hands are skipped
SELECT
    network_id, referral_id, stage_entry, kind, clinic_id, stage, owner_queue, fires_at, due_at, state, round,
    is_heard, signal_id, sequence
FROM sla.clock
WHERE state = 'armed' AND fires_at <= %s
ORDER BY fires_at
LIMIT %s
FOR UPDATE SKIP LOCKED
