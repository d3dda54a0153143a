SELECT repeated.referral_id
FROM matcher.repeat AS repeated
WHERE repeated.network_id = %(network_id)s AND repeated.acknowledged_as = %(referral_id)s
