CREATE SCHEMA {schema};

DO $$ BEGIN
    CREATE ROLE baton_{schema} NOLOGIN NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;

CREATE TABLE {schema}.batch (
    batch_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance     text NOT NULL,
    positions    jsonb NOT NULL,
    is_published boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE {schema}.batch IS 'One step: the offsets it moved to, and whether its records are known to be on the topics.';
CREATE INDEX batch_unpublished ON {schema}.batch (batch_id) WHERE NOT is_published;

CREATE TABLE {schema}.inbox (
    event_id text PRIMARY KEY,
    batch_id bigint NOT NULL
);
COMMENT ON TABLE {schema}.inbox IS 'Every applied event, once; the primary key is what makes an effect happen once.';

CREATE INDEX inbox_batch ON {schema}.inbox (batch_id);

CREATE TABLE {schema}.outbox (
    event_id text NOT NULL,
    position smallint NOT NULL,
    place    bigint GENERATED ALWAYS AS IDENTITY,
    topic    text NOT NULL,
    key      text NOT NULL,
    value    bytea NOT NULL,
    headers  text NOT NULL,
    PRIMARY KEY (event_id, position)
);
COMMENT ON TABLE {schema}.outbox IS 'What an event caused, byte for byte, so that a repeated delivery produces the same records.';
COMMENT ON COLUMN {schema}.outbox.place IS 'Order of decision: what was decided earlier is told earlier.';

CREATE TABLE {schema}.quarantine (
    quarantine_id text PRIMARY KEY,
    entry         bigint GENERATED ALWAYS AS IDENTITY,
    topic         text NOT NULL,
    partition     integer NOT NULL,
    "offset"      bigint NOT NULL,
    key           bytea,
    value         bytea,
    headers       text NOT NULL,
    recorded_at   timestamptz NOT NULL,
    event_id      text,
    reason        text NOT NULL,
    error_at      text,
    state         text NOT NULL CHECK (state IN ('quarantined', 'parked', 'retrying', 'resolved', 'discarded')),
    attempts      integer NOT NULL DEFAULT 1,
    quarantined_at timestamptz NOT NULL
);
COMMENT ON TABLE {schema}.quarantine IS 'Records that could not be applied, untouched, with the reason; and those that wait behind them.';
COMMENT ON COLUMN {schema}.quarantine.entry IS 'Order of arrival: the order in which the records of a key are driven again.';
CREATE INDEX quarantine_place ON {schema}.quarantine (topic, partition, "offset");
CREATE INDEX quarantine_open ON {schema}.quarantine (key) WHERE state IN ('quarantined', 'parked', 'retrying');

CREATE TABLE {schema}.attempt (
    topic     text NOT NULL,
    partition integer NOT NULL,
    "offset"  bigint NOT NULL,
    attempts  integer NOT NULL,
    PRIMARY KEY (topic, partition, "offset")
);
COMMENT ON TABLE {schema}.attempt IS 'Records in hand after an unclean start, so that one that kills the process is quarantined unread.';

CREATE TABLE {schema}.life (
    instance text PRIMARY KEY,
    ended_cleanly boolean NOT NULL
);
COMMENT ON TABLE {schema}.life IS 'Whether an instance was stopped or died the last time.';

CREATE TABLE {schema}.automation_log (
    entry_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL,
    kind        text NOT NULL,
    referral_id text,
    event_id    text NOT NULL,
    detail      text
);
COMMENT ON TABLE {schema}.automation_log IS 'What the service could not do by itself or chose not to do (R11); ids and reasons only.';
CREATE INDEX automation_log_referral ON {schema}.automation_log (referral_id) WHERE referral_id IS NOT NULL;

GRANT USAGE ON SCHEMA {schema} TO baton_{schema};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO baton_{schema};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO baton_{schema};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO baton_{schema};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE ON SEQUENCES TO baton_{schema};
GRANT baton_auditing TO baton_{schema};
