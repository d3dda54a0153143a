-- Notices are for the teams of a clinic; supervisors, auditors and administrators see those of every team.
ALTER TABLE courier.notice ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY service ON courier.notice TO baton_courier USING (true) WITH CHECK (true);
CREATE POLICY people ON courier.notice FOR SELECT TO baton_board_reader USING (
    network_id = board.own_network()
    AND board.is_own_clinic(split_part(recipient_queue, '.', 2))
    AND board.is_own_team(split_part(recipient_queue, '.', 3))
);
GRANT USAGE ON SCHEMA courier TO baton_board_reader;
GRANT SELECT ON courier.notice TO baton_board_reader;
