SELECT duplicate.duplicate_id, duplicate.patient_id, duplicate.candidate_patient_id, duplicate.referral_id,
       duplicate.rule, duplicate.score,
       duplicate.field_scores, duplicate.state, duplicate.raised_at
FROM matcher.possible_duplicate AS duplicate
WHERE duplicate.network_id = %(network_id)s AND duplicate.state = 'open'
ORDER BY duplicate.raised_at, duplicate.duplicate_id
LIMIT %(most)s
