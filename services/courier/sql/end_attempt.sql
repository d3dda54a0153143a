-- `attempts` guards against an attempt that outlived its lease while another was begun
UPDATE courier.effect
SET state = %(state)s, next_attempt_at = %(next_attempt_at)s, last_error = %(error)s,
    sent_at = CASE WHEN %(state)s = 'sent' THEN %(now)s::timestamptz END
WHERE effect_id = %(effect_id)s AND state = 'pending'
  AND (attempts = %(attempts)s OR %(state)s = 'sent')
