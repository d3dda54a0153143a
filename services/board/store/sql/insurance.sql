SELECT referral.insurance_payer AS payer, referral.insurance_member_id AS member_id, referral.authorisation_number
FROM matcher.referral AS referral
WHERE referral.network_id = %(network_id)s AND referral.referral_id = %(referral_id)s
