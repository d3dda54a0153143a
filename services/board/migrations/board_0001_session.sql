CREATE SCHEMA board;
GRANT USAGE ON SCHEMA board TO baton_board, baton_board_reader;

CREATE FUNCTION board.enter(person text) RETURNS directory.staff LANGUAGE plpgsql AS $$
DECLARE
    found directory.staff;
BEGIN
    PERFORM set_config('baton.user', person, true);
    SELECT * INTO found FROM directory.staff WHERE user_id = person;
    IF found.user_id IS NULL OR found.role = 'service' THEN
        PERFORM set_config('baton.user', '', true);
        RETURN NULL;
    END IF;
    PERFORM set_config('baton.network', found.network_id, true),
            set_config('baton.clinics', CASE found.clinic_ids WHEN '{}' THEN '*'
                                        ELSE array_to_string(found.clinic_ids, ',') END, true),
            set_config('baton.teams', CASE WHEN found.role IN ('supervisor', 'auditor', 'administrator') THEN '*'
                                      ELSE array_to_string(found.teams, ',') END, true),
            set_config('baton.role', found.role, true),
            set_config('role', 'baton_board_' || found.role, true);
    RETURN found;
END $$;
COMMENT ON FUNCTION board.enter IS 'Become a person until the end of the transaction; null and nobody for an unknown one.';

CREATE FUNCTION board.own_network() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('baton.network', true), '');
CREATE FUNCTION board.is_own_clinic(clinic text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    RETURN current_setting('baton.clinics', true) = '*'
        OR clinic = ANY (string_to_array(nullif(current_setting('baton.clinics', true), ''), ','));
CREATE FUNCTION board.is_own_team(team text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    RETURN current_setting('baton.teams', true) = '*'
        OR team = ANY (string_to_array(nullif(current_setting('baton.teams', true), ''), ','));
COMMENT ON FUNCTION board.own_network IS 'The network of the person of this transaction; null, which sees nothing, without one.';
