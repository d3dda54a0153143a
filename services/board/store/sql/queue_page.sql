SELECT referral.referral_id, coalesce(referral.due_at, 'infinity')::text AS due_order
FROM stager.referral AS referral
WHERE referral.network_id = %(network_id)s AND referral.owner_queue = %(queue)s AND referral.clock <> 'stopped'
  AND (coalesce(referral.due_at, 'infinity'), referral.referral_id)
    > (%(after_due)s::timestamptz, %(after_id)s::text)
ORDER BY referral.due_at NULLS LAST, referral.referral_id
LIMIT %(most)s
