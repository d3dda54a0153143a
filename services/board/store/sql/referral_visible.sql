SELECT referral.referral_id, referral.version
FROM stager.referral AS referral
WHERE referral.network_id = %(network_id)s AND referral.referral_id = %(referral_id)s
