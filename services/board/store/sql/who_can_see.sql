SELECT access.user_id, access.name, access.role, access.reason, access.columns
FROM board.who_can_see(%(referral_id)s) AS access
