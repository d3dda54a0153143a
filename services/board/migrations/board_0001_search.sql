-- The search compares plain columns: with row rules on, the planner uses an index only for comparisons that cannot
-- leak, and a function such as lower() could.
CREATE FUNCTION board.name_key(name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    btrim(regexp_replace(
        regexp_replace(lower(normalize(translate(coalesce(name, ''), '''’‘`´.', ''), NFKD)), '[\u0300-\u036f]', '', 'g'),
        '[[:space:][:punct:][:digit:]]+', ' ', 'g'));
COMMENT ON FUNCTION board.name_key IS 'A name as the search compares it: small letters, no accents, one space between words.';
CREATE FUNCTION board.number_key(number text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    upper(regexp_replace(number, '[^A-Za-z0-9]', '', 'g'));
COMMENT ON FUNCTION board.number_key IS 'A record number as the search compares it: capitals and digits only.';

ALTER TABLE matcher.patient
    ADD COLUMN last_name_key text COLLATE "C" NOT NULL GENERATED ALWAYS AS (board.name_key(last_name)) STORED,
    ADD COLUMN given_name_key text COLLATE "C" NOT NULL GENERATED ALWAYS AS (board.name_key(given_name)) STORED,
    ADD COLUMN mrn_key text COLLATE "C" GENERATED ALWAYS AS (board.number_key(mrn)) STORED;
GRANT USAGE ON SCHEMA board TO baton_matcher;
CREATE INDEX patient_name ON matcher.patient (network_id, last_name_key, given_name_key);
CREATE INDEX patient_birth_date ON matcher.patient (network_id, birth_date) WHERE birth_date IS NOT NULL;
CREATE INDEX patient_phone ON matcher.patient (network_id, phone) WHERE phone IS NOT NULL;
CREATE INDEX patient_mrn ON matcher.patient (network_id, mrn_key) WHERE mrn_key IS NOT NULL;
