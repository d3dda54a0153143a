SELECT current_user <> 'baton_board' OR concat(
    current_setting('baton.user', true),
    current_setting('baton.network', true),
    current_setting('baton.clinics', true),
    current_setting('baton.teams', true),
    current_setting('baton.role', true)
) <> '' AS left_over
