CREATE TABLE matcher.patient (
    network_id   text NOT NULL,
    patient_id   text NOT NULL,
    matching_key text NOT NULL,
    given_name   text,
    middle_name  text,
    last_name    text,
    birth_date   date,
    sex          text,
    phone        text,
    mrn          text,
    mrn_issuer   text,
    external_ids text[] NOT NULL DEFAULT '{}',
    version      integer NOT NULL DEFAULT 1,
    merged_into  text,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (network_id, patient_id)
);
COMMENT ON TABLE matcher.patient IS 'Every patient of a network, by an id that follows from the first submission.';
COMMENT ON COLUMN matcher.patient.matching_key IS 'Partition key under which the patient can be linked without races.';
COMMENT ON COLUMN matcher.patient.mrn_issuer IS 'Source system that knows the patient by this number.';
COMMENT ON COLUMN matcher.patient.version IS 'Counts what people changed; a correction names the version it was made against.';
COMMENT ON COLUMN matcher.patient.merged_into IS 'The patient that stands for this one after a merge; the row itself stays for an unmerge.';

CREATE TABLE matcher.patient_key (
    network_id text NOT NULL,
    key        bigint NOT NULL,
    patient_id text NOT NULL,
    PRIMARY KEY (network_id, key, patient_id)
);
COMMENT ON TABLE matcher.patient_key IS 'Blocking keys as digests: who could be the same person shares one.';

CREATE TABLE matcher.referral (
    network_id             text NOT NULL,
    referral_id            text NOT NULL,
    clinic_id              text NOT NULL,
    patient_id             text NOT NULL,
    first_patient_id       text NOT NULL,
    submission_id          text NOT NULL,
    channel                text NOT NULL,
    source                 text NOT NULL,
    source_message_id      text,
    content_digest         text NOT NULL,
    received_at            timestamptz NOT NULL,
    accepted_at            timestamptz NOT NULL,
    stated                 jsonb NOT NULL,
    referring_provider     text,
    referring_npi          text,
    referring_organisation text,
    referring_contact      text,
    specialty              text,
    service                text,
    reason                 text,
    diagnosis_codes        text[] NOT NULL,
    order_number           text,
    priority               text NOT NULL,
    insurance_payer        text,
    insurance_member_id    text,
    authorisation_number   text,
    note                   text,
    missing_items          text[] NOT NULL,
    documents              jsonb NOT NULL,
    outcome                text NOT NULL,
    rule                   text NOT NULL,
    matched_at             timestamptz NOT NULL,
    PRIMARY KEY (network_id, referral_id)
);
COMMENT ON TABLE matcher.referral IS 'The PHI side of a referral; its course is in stager.referral.';
COMMENT ON COLUMN matcher.referral.first_patient_id IS 'The patient it was matched to on arrival, to which an unmerge returns it.';
COMMENT ON COLUMN matcher.referral.stated IS 'The patient as this referral stated it, whatever was corrected later.';
CREATE INDEX referral_patient ON matcher.referral (network_id, patient_id);

CREATE TABLE matcher.transmission (
    network_id          text NOT NULL,
    submission_id       text NOT NULL,
    referral_id         text NOT NULL,
    fingerprint         text NOT NULL,
    content_fingerprint text,
    received_at         timestamptz NOT NULL,
    repeat_of           text,
    PRIMARY KEY (submission_id, network_id)
);
COMMENT ON TABLE matcher.transmission IS 'Every message that arrived; one with repeat_of made no referral (R14).';
-- the network comes last: before a table was ever analysed, the planner takes any index that begins with it for good
-- enough, and reads all messages of the network for each one that arrives
CREATE INDEX transmission_content ON matcher.transmission (content_fingerprint, network_id)
    WHERE repeat_of IS NULL AND content_fingerprint IS NOT NULL;
CREATE INDEX transmission_fingerprint ON matcher.transmission (fingerprint, network_id) WHERE repeat_of IS NULL;

CREATE TABLE matcher.repeat (
    network_id      text NOT NULL,
    acknowledged_as text NOT NULL,
    referral_id     text NOT NULL,
    PRIMARY KEY (network_id, acknowledged_as)
);
COMMENT ON TABLE matcher.repeat IS
    'The ids that senders of repeats were told before anybody knew that these were any, and the referrals they mean.';

CREATE TABLE matcher.possible_duplicate (
    network_id           text NOT NULL,
    duplicate_id         text NOT NULL,
    patient_id           text NOT NULL,
    candidate_patient_id text,
    referral_id          text,
    clinic_id            text,
    score                double precision NOT NULL,
    field_scores         jsonb NOT NULL,
    rule                 text NOT NULL,
    state                text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'same', 'not_same')),
    raised_at            timestamptz NOT NULL,
    decided_by           text,
    decided_at           timestamptz,
    PRIMARY KEY (network_id, duplicate_id)
);
COMMENT ON TABLE matcher.possible_duplicate IS 'Pairs of patients a person has to judge, side by side (R17).';
COMMENT ON COLUMN matcher.possible_duplicate.candidate_patient_id IS 'Null where a block had too many candidates to compare them.';
CREATE INDEX possible_duplicate_open ON matcher.possible_duplicate (network_id, raised_at) WHERE state = 'open';
CREATE INDEX possible_duplicate_patient ON matcher.possible_duplicate (network_id, patient_id);
CREATE INDEX possible_duplicate_candidate ON matcher.possible_duplicate (network_id, candidate_patient_id);

CREATE TABLE matcher.review_decision (
    network_id       text NOT NULL,
    patient_id       text NOT NULL,
    other_patient_id text NOT NULL,
    decision         text NOT NULL CHECK (decision IN ('same', 'not_same')),
    decided_by       text NOT NULL,
    decided_role     text NOT NULL,
    decided_at       timestamptz NOT NULL,
    event_id         text NOT NULL,
    PRIMARY KEY (network_id, patient_id, other_patient_id)
);
COMMENT ON TABLE matcher.review_decision IS 'What people decided about a pair, in both directions; outranks every rule (R18).';

CREATE TABLE matcher.patient_event (
    network_id       text NOT NULL,
    event_id         text NOT NULL,
    kind             text NOT NULL CHECK (kind IN ('demographics', 'merge', 'unmerge', 'review')),
    state            text NOT NULL CHECK (state IN ('applied', 'stale', 'pending')),
    patient_id       text NOT NULL,
    other_patient_id text,
    referral_id      text,
    decision         text,
    expected_version integer,
    version          integer NOT NULL,
    before           jsonb,
    after            jsonb,
    by_user          text NOT NULL,
    by_role          text NOT NULL,
    comment          text,
    at               timestamptz NOT NULL,
    recorded_at      timestamptz NOT NULL,
    position         bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (network_id, event_id)
);
COMMENT ON TABLE matcher.patient_event IS 'Every correction in the order of application, with the patient before and after it, so that a merge can be undone.';
COMMENT ON COLUMN matcher.patient_event.state IS 'applied; stale: made against an older version, nothing changed; pending: kept for a later step.';
COMMENT ON COLUMN matcher.patient_event.version IS 'Version of the patient after it.';
CREATE INDEX patient_event_patient ON matcher.patient_event (network_id, patient_id);
