-- in the order of ids, so that two writers never wait for each other
SELECT stay.network_id, stay.referral_id, stay.sequence, stay.stage_entry
FROM unnest(%s::text[], %s::text[]) AS wanted (network_id, referral_id)
         JOIN sla.stay AS stay USING (network_id, referral_id)
ORDER BY stay.network_id, stay.referral_id
FOR UPDATE OF stay
