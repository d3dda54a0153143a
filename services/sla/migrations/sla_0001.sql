CREATE TABLE sla.stay (
    network_id  text NOT NULL,
    referral_id text NOT NULL,
    stage_entry integer NOT NULL,
    sequence    integer NOT NULL,
    PRIMARY KEY (network_id, referral_id)
);
COMMENT ON TABLE sla.stay IS 'How far the changes of each referral were followed: which stay in a stage its clocks belong to.';

CREATE TABLE sla.clock (
    network_id  text NOT NULL,
    referral_id text NOT NULL,
    stage_entry integer NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('reminder', 'breach')),
    clinic_id   text NOT NULL,
    stage       text NOT NULL,
    owner_queue text NOT NULL,
    fires_at    timestamptz NOT NULL,
    due_at      timestamptz NOT NULL,
    state       text NOT NULL CHECK (state IN ('armed', 'fired', 'cancelled', 'suspended')),
    round       integer NOT NULL,
    is_heard    boolean NOT NULL,
    signal_id   text NOT NULL,
    sequence    integer NOT NULL,
    fired_at    timestamptz,
    PRIMARY KEY (network_id, referral_id, stage_entry, kind)
);
COMMENT ON TABLE sla.clock IS 'Reminders and breaches to come, and those that were; rebuildable from referral.changed.';
COMMENT ON COLUMN sla.clock.round IS 'How often it was armed again with another due time or after a pause; part of the signal id.';
COMMENT ON COLUMN sla.clock.is_heard IS 'Whether the stager noted the reminder or breach; then it never fires again.';
COMMENT ON COLUMN sla.clock.fired_at IS 'When its last signal was sent.';
CREATE INDEX clock_due ON sla.clock (fires_at) WHERE state = 'armed';
-- the whole of a due scan and of the count of armed clocks rests on this index, so it must not fill with dead rows
ALTER TABLE sla.clock SET (autovacuum_vacuum_scale_factor = 0.02, fillfactor = 90);
