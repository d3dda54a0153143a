-- baton_board may nothing but look up a person and become what that person is; the rights are with the roles of people.
-- baton_board_reader holds what every person reads, a role per column group what only some do (R29).
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY[
        'baton_board_reader', 'baton_board_identity', 'baton_board_clinical', 'baton_board_insurance',
        'baton_board_comment', 'baton_board_intake', 'baton_board_eligibility', 'baton_board_clinical_reviewer',
        'baton_board_scheduling', 'baton_board_supervisor', 'baton_board_auditor', 'baton_board_administrator'
    ] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOBYPASSRLS INHERIT', wanted);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END;
    END LOOP;
    BEGIN
        CREATE ROLE baton_board NOLOGIN NOBYPASSRLS NOINHERIT;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
END $$;

DO $$
DECLARE
    membership record;
BEGIN
    FOR membership IN
        SELECT 'baton_board_' || held AS held, 'baton_board_' || holder AS holder
        FROM (VALUES
            ('intake', ARRAY['reader', 'identity', 'clinical', 'insurance', 'comment']),
            ('eligibility', ARRAY['reader', 'identity', 'clinical', 'insurance', 'comment']),
            ('clinical_reviewer', ARRAY['reader', 'identity', 'clinical', 'comment']),
            ('scheduling', ARRAY['reader', 'identity', 'comment']),
            ('supervisor', ARRAY['reader', 'identity', 'clinical', 'insurance', 'comment']),
            ('auditor', ARRAY['reader']),
            ('administrator', ARRAY['reader', 'identity'])
        ) AS rights (holder, groups), unnest(groups) AS held
        UNION ALL
        SELECT 'baton_board_' || person, 'baton_board'
        FROM unnest(ARRAY['intake', 'eligibility', 'clinical_reviewer', 'scheduling', 'supervisor', 'auditor',
                          'administrator']) AS person
    LOOP
        -- roles are shared by all databases of a server, so another one may have done this
        IF NOT pg_has_role(membership.holder, membership.held, 'MEMBER') THEN
            EXECUTE format('GRANT %I TO %I', membership.held, membership.holder);
        END IF;
    END LOOP;
END $$;
