-- what somebody missed who decided against an older version
SELECT h.referral_id, h.sequence, h.kind, h.to_stage, h.actor
FROM unnest(%s::text[], %s::integer[]) AS known (referral_id, sequence)
         JOIN stager.stage_history h ON h.referral_id = known.referral_id AND h.sequence > known.sequence
ORDER BY h.referral_id, h.sequence
