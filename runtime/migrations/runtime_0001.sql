CREATE SCHEMA directory;
CREATE TABLE directory.network (
    network_id text PRIMARY KEY,
    name       text NOT NULL
);
CREATE TABLE directory.clinic (
    network_id text NOT NULL REFERENCES directory.network,
    clinic_id  text NOT NULL,
    name       text NOT NULL,
    time_zone  text NOT NULL,
    PRIMARY KEY (network_id, clinic_id)
);
CREATE TABLE directory.staff (
    user_id    text PRIMARY KEY,
    network_id text NOT NULL REFERENCES directory.network,
    name       text NOT NULL,
    role       text NOT NULL,
    clinic_ids text[] NOT NULL DEFAULT '{}',
    teams      text[] NOT NULL DEFAULT '{}'
);
COMMENT ON COLUMN directory.staff.clinic_ids IS 'Clinics the person works for; empty for all of the network.';

CREATE SCHEMA audit;
CREATE TABLE audit.chain (
    chain_id text PRIMARY KEY,
    length   bigint NOT NULL,
    hash     text NOT NULL
);
COMMENT ON TABLE audit.chain IS 'The end of each chain; its row lock orders the writers.';
CREATE TABLE audit.entry (
    chain_id      text NOT NULL,
    position      bigint NOT NULL,
    at            timestamptz NOT NULL,
    actor         text NOT NULL,
    actor_role    text NOT NULL,
    action        text NOT NULL,
    network_id    text NOT NULL,
    clinic_id     text,
    referral_id   text,
    patient_id    text,
    cause_id      text NOT NULL,
    detail        text NOT NULL,
    previous_hash text NOT NULL,
    hash          text NOT NULL,
    PRIMARY KEY (chain_id, position)
);
COMMENT ON TABLE audit.entry IS 'Every change and every read of a patient; append-only, each row hashed over the one before (R30).';
CREATE INDEX entry_referral ON audit.entry (referral_id) WHERE referral_id IS NOT NULL;

CREATE FUNCTION audit.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit entries are append-only';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

DO $$ BEGIN
    CREATE ROLE baton_auditing NOLOGIN NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
GRANT USAGE ON SCHEMA audit, directory TO baton_auditing;
GRANT SELECT, INSERT ON audit.entry TO baton_auditing;
GRANT SELECT, INSERT, UPDATE ON audit.chain TO baton_auditing;
GRANT SELECT ON ALL TABLES IN SCHEMA directory TO baton_auditing;
