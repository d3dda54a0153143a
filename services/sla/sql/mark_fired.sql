UPDATE sla.clock AS clock SET state = 'fired', fired_at = %s
FROM unnest(%s::text[], %s::text[], %s::integer[], %s::text[]) AS fired (network_id, referral_id, stage_entry, kind)
WHERE clock.network_id = fired.network_id AND clock.referral_id = fired.referral_id
  AND clock.stage_entry = fired.stage_entry AND clock.kind = fired.kind
