SELECT referral.reason, referral.diagnosis_codes, referral.note
FROM matcher.referral AS referral
WHERE referral.network_id = %(network_id)s AND referral.referral_id = %(referral_id)s
