-- the attempt is counted and leased before it is made: no lock is held while a receiver takes its time
WITH chosen AS (
    SELECT effect_id FROM courier.effect
    WHERE state = 'pending' AND next_attempt_at <= %(now)s AND transport = ANY (%(transports)s)
    ORDER BY next_attempt_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED
), begun AS (
    UPDATE courier.effect AS effect
    SET attempts = effect.attempts + 1, next_attempt_at = %(lease_ends_at)s
    FROM chosen WHERE effect.effect_id = chosen.effect_id
    RETURNING effect.effect_id, effect.transport, effect.address, effect.attempts, effect.network_id,
        effect.notice_id
)
SELECT
    begun.effect_id, begun.transport, begun.address, begun.attempts, notice.network_id, notice.notice_id,
    notice.kind, notice.recipient_queue, notice.window_start, notice.window_end, notice.referral_ids
FROM begun JOIN courier.notice AS notice USING (network_id, notice_id)
