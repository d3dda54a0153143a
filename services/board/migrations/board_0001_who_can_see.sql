CREATE FUNCTION board.who_can_see(wanted text)
    RETURNS TABLE (user_id text, name text, role text, reason text, columns text[])
    LANGUAGE sql STABLE AS $$
    SELECT staff.user_id, staff.name, staff.role,
           CASE staff.clinic_ids WHEN '{}' THEN 'works for every clinic of network ' || referral.network_id
           ELSE 'works for clinic ' || referral.clinic_id END,
           ARRAY(SELECT column_group FROM unnest(ARRAY['identity', 'clinical', 'insurance', 'comment']) AS column_group
                 WHERE pg_has_role('baton_board_' || staff.role, 'baton_board_' || column_group, 'USAGE'))
    FROM stager.referral AS referral
    JOIN directory.staff AS staff
      ON staff.network_id = referral.network_id
     AND (staff.clinic_ids = '{}' OR referral.clinic_id = ANY (staff.clinic_ids))
    WHERE referral.referral_id = wanted AND staff.role <> 'service'
    ORDER BY staff.user_id;
$$;
COMMENT ON FUNCTION board.who_can_see IS 'Who can see a referral, why, and which groups of columns (R29).';
