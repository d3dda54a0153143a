SELECT referral.owner_queue AS queue,
       count(*) AS open,
       count(*) FILTER (WHERE referral.owner_user IS NULL) AS unclaimed,
       count(*) FILTER (WHERE referral.breached OR referral.due_at <= %(now)s AND referral.clock = 'running') AS overdue,
       count(*) FILTER (WHERE referral.clock = 'running' AND NOT referral.breached
                          AND referral.due_at > %(now)s AND referral.remind_at <= %(now)s) AS due_soon,
       min(referral.stage_entered_at) AS oldest_since,
       min(referral.due_at) AS next_due_at
FROM stager.referral AS referral
WHERE referral.network_id = %(network_id)s AND referral.clock <> 'stopped'
GROUP BY referral.owner_queue
ORDER BY referral.owner_queue
