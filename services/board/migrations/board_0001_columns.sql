-- Which columns: ids, stages and times for everybody who sees the row; the rest by column group.
GRANT USAGE ON SCHEMA directory TO baton_board;
GRANT SELECT ON directory.staff TO baton_board;
GRANT USAGE ON SCHEMA directory, matcher, stager, audit TO baton_board_reader;
GRANT SELECT ON directory.network, directory.clinic, directory.staff TO baton_board_reader;
GRANT SELECT ON stager.referral, stager.task, stager.document, stager.command TO baton_board_reader;
GRANT SELECT (network_id, referral_id, sequence, clinic_id, kind, from_stage, to_stage, stage_entry, waiting_on,
              owner_queue, owner_user, clock, due_at, priority, actor_type, actor, actor_role, reason_code, outcome,
              task_id, breached, is_rework, effective_at, recorded_at, cause_id, stage_table_version)
    ON stager.stage_history TO baton_board_reader;
GRANT SELECT (comment) ON stager.stage_history TO baton_board_comment;
GRANT SELECT (network_id, patient_id, matching_key, version, merged_into, created_at, updated_at)
    ON matcher.patient TO baton_board_reader;
GRANT SELECT (network_id, referral_id, clinic_id, patient_id, submission_id, channel, received_at)
    ON matcher.referral TO baton_board_reader;
GRANT SELECT ON matcher.repeat TO baton_board_reader;
GRANT SELECT ON matcher.patient TO baton_board_identity;
GRANT SELECT (source, source_message_id, stated, service, order_number) ON matcher.referral TO baton_board_identity;
GRANT SELECT ON matcher.possible_duplicate TO baton_board_identity;
GRANT SELECT (reason, diagnosis_codes, note) ON matcher.referral TO baton_board_clinical;
GRANT SELECT (insurance_payer, insurance_member_id, authorisation_number) ON matcher.referral TO baton_board_insurance;

-- a read is audited by the person who reads: entries can be added, not read
GRANT INSERT ON audit.entry TO baton_board_reader;
GRANT SELECT, INSERT, UPDATE ON audit.chain TO baton_board_reader;

-- how a correction of one's own ended
GRANT SELECT (network_id, event_id, kind, state, patient_id, version, by_user, recorded_at)
    ON matcher.patient_event TO baton_board_reader;
