-- Which rows: of the person's network and clinics. Without a person: none.
-- The owner obeys too, and each service keeps all rows of its own schema.
DO $$
DECLARE
    protected record;
    sees_referral constant text := $condition$
        network_id = board.own_network() AND EXISTS (
            SELECT FROM stager.referral AS referral
            WHERE referral.network_id = %1$s.network_id AND referral.referral_id = %1$s.referral_id)
    $condition$;
    of_clinic constant text := 'network_id = board.own_network() AND board.is_own_clinic(coalesce(clinic_id, ''''))';
BEGIN
    FOR protected IN
        SELECT * FROM (VALUES
            ('matcher', 'referral', of_clinic),
            ('matcher', 'patient', $condition$
                network_id = board.own_network() AND (
                    current_setting('baton.clinics', true) = '*' OR EXISTS (
                        SELECT FROM matcher.referral AS referral
                        WHERE referral.network_id = patient.network_id AND referral.patient_id = patient.patient_id))
            $condition$),
            ('matcher', 'repeat', format(sees_referral, 'repeat')),
            ('matcher', 'possible_duplicate', of_clinic),
            ('matcher', 'patient_event', 'network_id = board.own_network() AND by_user = current_setting(''baton.user'', true)'),
            ('stager', 'referral', of_clinic),
            ('stager', 'task', of_clinic),
            ('stager', 'stage_history', of_clinic),
            ('stager', 'document', format(sees_referral, 'document')),
            ('stager', 'command', '(network_id = board.own_network() AND by_user = current_setting(''baton.user'', true)) OR '
                                  || format(sees_referral, 'command'))
        ) AS rules (schema_name, table_name, condition)
    LOOP
        EXECUTE format('ALTER TABLE %1$I.%2$I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY',
                       protected.schema_name, protected.table_name);
        EXECUTE format('CREATE POLICY service ON %1$I.%2$I TO %3$I USING (true) WITH CHECK (true)',
                       protected.schema_name, protected.table_name, 'baton_' || protected.schema_name);
        EXECUTE format('CREATE POLICY people ON %1$I.%2$I FOR SELECT TO baton_board_reader USING (%3$s)',
                       protected.schema_name, protected.table_name, protected.condition);
    END LOOP;
END $$;

ALTER TABLE directory.staff ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY administration ON directory.staff TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY service ON directory.staff FOR SELECT TO baton_auditing USING (true);
CREATE POLICY signing_in ON directory.staff FOR SELECT TO baton_board
    USING (user_id = current_setting('baton.user', true));
CREATE POLICY people ON directory.staff FOR SELECT TO baton_board_reader USING (network_id = board.own_network());
