CREATE TABLE stager.referral (
    network_id             text NOT NULL,
    referral_id            text NOT NULL,
    clinic_id              text NOT NULL,
    patient_id             text NOT NULL,
    submission_id          text NOT NULL,
    channel                text NOT NULL,
    received_at            timestamptz NOT NULL,
    specialty              text,
    referring_provider     text,
    referring_organisation text,
    referring_contact      text,
    has_insurance          boolean NOT NULL,
    has_authorisation      boolean NOT NULL,
    priority               text NOT NULL,
    stage                  text NOT NULL,
    stage_entry            integer NOT NULL,
    stage_entered_at       timestamptz NOT NULL,
    clock                  text NOT NULL CHECK (clock IN ('running', 'paused', 'stopped')),
    clock_started_at       timestamptz,
    used_s                 double precision NOT NULL,
    remind_at              timestamptz,
    due_at                 timestamptz,
    owner_queue            text NOT NULL,
    owner_user             text,
    waiting_on             text NOT NULL,
    missing_items          text[] NOT NULL,
    settled_items          text[] NOT NULL,
    reason_code            text,
    breached               boolean NOT NULL,
    interrupted_stage      text,
    interrupted_used_s     double precision NOT NULL,
    rework_count           integer NOT NULL,
    appointment_id         text,
    appointment_status     text,
    appointment_at         timestamptz,
    appointments           jsonb NOT NULL,
    stage_table_version    integer NOT NULL,
    sla_policy             text NOT NULL,
    sequence               integer NOT NULL,
    version                integer GENERATED ALWAYS AS (sequence) STORED,
    updated_at             timestamptz NOT NULL,
    PRIMARY KEY (network_id, referral_id),
    UNIQUE (referral_id)
);
COMMENT ON TABLE stager.referral IS 'The one authoritative record of where a referral is (R2); only the stager writes it.';
COMMENT ON COLUMN stager.referral.stage_entry IS 'How many stages were entered so far; names this stay in the stage.';
COMMENT ON COLUMN stager.referral.clock_started_at IS 'Since when the time of the stage runs; null while it is paused or stopped.';
COMMENT ON COLUMN stager.referral.used_s IS 'Seconds of the stage used up before clock_started_at.';
COMMENT ON COLUMN stager.referral.interrupted_stage IS 'The stage that the current exception interrupts; it goes on with the time it had left.';
COMMENT ON COLUMN stager.referral.missing_items IS 'What must be completed before eligibility.';
COMMENT ON COLUMN stager.referral.settled_items IS 'Missing items that a person settled by completing a task.';
COMMENT ON COLUMN stager.referral.reason_code IS 'Reason of the current exception or closing (R7).';
COMMENT ON COLUMN stager.referral.breached IS 'Whether this stay in the stage is past its due time.';
COMMENT ON COLUMN stager.referral.rework_count IS 'How often the referral went backwards.';
COMMENT ON COLUMN stager.referral.appointments IS 'The last state of every appointment, so that news of them may come in any order.';
COMMENT ON COLUMN stager.referral.sla_policy IS 'Policy that set the due time, name@version.';
COMMENT ON COLUMN stager.referral.version IS 'What a command is made against; the sequence of the last change.';
CREATE INDEX referral_queue ON stager.referral (owner_queue, due_at) WHERE clock <> 'stopped';
CREATE INDEX referral_patient ON stager.referral (network_id, patient_id);

CREATE TABLE stager.stage_history (
    network_id          text NOT NULL,
    referral_id         text NOT NULL,
    sequence            integer NOT NULL,
    clinic_id           text NOT NULL,
    kind                text NOT NULL,
    from_stage          text,
    to_stage            text NOT NULL,
    stage_entry         integer NOT NULL,
    stage_entered_at    timestamptz NOT NULL,
    waiting_on          text NOT NULL,
    owner_queue         text NOT NULL,
    owner_user          text,
    clock               text NOT NULL,
    due_at              timestamptz,
    priority            text NOT NULL,
    actor_type          text NOT NULL,
    actor               text NOT NULL,
    actor_role          text NOT NULL,
    reason_code         text,
    comment             text,
    outcome             text,
    task_id             text,
    breached            boolean NOT NULL,
    is_rework           boolean NOT NULL,
    effective_at        timestamptz NOT NULL,
    recorded_at         timestamptz NOT NULL,
    cause_id            text NOT NULL,
    stage_table_version integer NOT NULL,
    PRIMARY KEY (network_id, referral_id, sequence)
);
COMMENT ON TABLE stager.stage_history IS 'Every change of a referral in dense order (R10).';
COMMENT ON COLUMN stager.stage_history.from_stage IS 'Stage before; null where the stage did not change.';
COMMENT ON COLUMN stager.stage_history.to_stage IS 'Stage after.';
COMMENT ON COLUMN stager.stage_history.comment IS 'Free text of a person; may name a patient and stands nowhere else.';
COMMENT ON COLUMN stager.stage_history.breached IS 'Whether the stay was past its due time when this happened.';
COMMENT ON COLUMN stager.stage_history.is_rework IS 'Whether the move went backwards.';
COMMENT ON COLUMN stager.stage_history.effective_at IS 'When it happened.';
COMMENT ON COLUMN stager.stage_history.recorded_at IS 'When Baton learned of it.';
CREATE INDEX stage_history_referral ON stager.stage_history (referral_id, sequence);

CREATE TABLE stager.task (
    network_id   text NOT NULL,
    task_id      text NOT NULL,
    referral_id  text NOT NULL,
    clinic_id    text NOT NULL,
    template     text NOT NULL,
    type         text NOT NULL,
    owner_queue  text NOT NULL,
    owner_user   text,
    due_at       timestamptz,
    status       text NOT NULL CHECK (status IN ('open', 'done', 'cancelled')),
    stage_entry  integer NOT NULL,
    created_at   timestamptz NOT NULL,
    completed_at timestamptz,
    completed_by text,
    PRIMARY KEY (network_id, task_id)
);
COMMENT ON TABLE stager.task IS 'What is to do, by which queue and person, until when.';
COMMENT ON COLUMN stager.task.template IS 'Name of the task in the stage table; type is what people read.';
CREATE INDEX task_open_referral ON stager.task (referral_id) WHERE status = 'open';
CREATE INDEX task_open_queue ON stager.task (owner_queue, due_at) WHERE status = 'open';

CREATE TABLE stager.document (
    network_id     text NOT NULL,
    document_id    text NOT NULL,
    referral_id    text NOT NULL,
    kind           text NOT NULL,
    content_digest text NOT NULL,
    content_type   text NOT NULL,
    content_size   bigint NOT NULL,
    readable       boolean NOT NULL,
    received_at    timestamptz NOT NULL,
    PRIMARY KEY (network_id, document_id)
);
COMMENT ON TABLE stager.document IS 'Pointers to the documents of a referral; the bytes are in the document store.';
CREATE INDEX document_referral ON stager.document (referral_id);

CREATE TABLE stager.command (
    network_id  text NOT NULL,
    command_id  text PRIMARY KEY,
    referral_id text NOT NULL,
    action      text NOT NULL,
    outcome     text NOT NULL CHECK (outcome IN ('applied', 'refused')),
    refusal     text,
    detail      text,
    version     integer,
    by_user     text NOT NULL,
    by_role     text NOT NULL,
    at          timestamptz NOT NULL
);
COMMENT ON TABLE stager.command IS 'The answer to every command: applied, or refused with the rule that refuses it (R21).';
COMMENT ON COLUMN stager.command.version IS 'Version of the referral after the command; null when there is no such referral.';
CREATE INDEX command_referral ON stager.command (referral_id);

CREATE TABLE stager.stage_table (
    version integer PRIMARY KEY,
    content jsonb NOT NULL,
    digest  text NOT NULL
);
COMMENT ON TABLE stager.stage_table IS 'The stage machine as data, every version that ever was in force (R6).';

CREATE VIEW stager.stage WITH (security_invoker = true) AS
SELECT t.version,
       s.key AS stage,
       s.value ->> 'title' AS title,
       s.value ->> 'team' AS team,
       s.value ->> 'waiting_on' AS waiting_on,
       s.value ->> 'clock' AS clock,
       s.value ->> 'sla' AS sla,
       s.value ->> 'clock' <> 'stopped' AS is_open,
       coalesce((s.value ->> 'suspends')::boolean, false) AS is_exception,
       array_position(ARRAY (SELECT jsonb_array_elements_text(t.content -> 'main_line')), s.key) AS place,
       s.value ->> 'done' AS done
FROM stager.stage_table t, jsonb_each(t.content -> 'stages') s;
COMMENT ON VIEW stager.stage IS 'The stages of every version of the stage table; place is the place in the main line.';

CREATE VIEW stager.stage_transition WITH (security_invoker = true) AS
SELECT t.version,
       f.stage AS from_stage,
       m.value ->> 'to' AS to_stage,
       m.value -> 'roles' AS roles,
       m.value ->> 'reasons' AS reason_group,
       coalesce(m.value -> 'needs', '[]') AS needs,
       coalesce((m.value ->> 'rework')::boolean, false) AS is_rework
FROM stager.stage_table t,
     jsonb_array_elements(t.content -> 'transitions') m,
     jsonb_array_elements_text(m.value -> 'from') f (stage);
COMMENT ON VIEW stager.stage_transition IS 'The legal moves of every version of the stage table.';

CREATE VIEW stager.reason_code WITH (security_invoker = true) AS
SELECT t.version,
       g.key AS reason_group,
       r.key AS code,
       r.value ->> 'text' AS text,
       r.value -> 'stages' AS stages,
       r.value -> 'roles' AS roles,
       coalesce((r.value ->> 'comment')::boolean, false) AS needs_comment,
       (r.value ->> 'from')::date AS effective_from,
       (r.value ->> 'until')::date AS effective_until
FROM stager.stage_table t, jsonb_each(t.content -> 'reasons') g, jsonb_each(g.value) r;
COMMENT ON VIEW stager.reason_code IS 'The reason codes of every version of the stage table (R7).';

CREATE VIEW stager.invariant_violations WITH (security_invoker = true) AS
SELECT r.network_id, r.referral_id, v.lacks
FROM stager.referral r
         LEFT JOIN stager.stage s ON s.version = r.stage_table_version AND s.stage = r.stage
         CROSS JOIN LATERAL (VALUES
    ('stage', s.stage IS NULL),
    ('owner_queue', r.owner_queue = ''),
    ('clock', r.clock = 'stopped'),
    ('due_at', r.clock = 'running' AND r.due_at IS NULL),
    ('reason_code', r.clock = 'paused' AND r.reason_code IS NULL),
    ('open_task', NOT EXISTS (SELECT FROM stager.task t WHERE t.referral_id = r.referral_id AND t.status = 'open'))
    ) v (lacks, is_lacking)
WHERE coalesce(s.is_open, true) AND v.is_lacking;
COMMENT ON VIEW stager.invariant_violations IS 'Open referrals without stage, owner queue, due time (or paused clock with a reason) or open task; must be empty (R4).';

CREATE VIEW stager.waits WITH (security_invoker = true) AS
SELECT stay.network_id,
       stay.referral_id,
       stay.clinic_id,
       stay.stage_entry,
       stay.stage,
       stay.waiting_on,
       stay.owner_queue,
       stay.reason_code,
       stay.entered_at,
       stay.left_at,
       greatest(coalesce(stay.left_at, now()) - stay.entered_at, interval '0') AS waited
FROM (SELECT h.network_id,
             h.referral_id,
             h.clinic_id,
             h.stage_entry,
             h.to_stage AS stage,
             h.waiting_on,
             h.owner_queue,
             h.reason_code,
             h.stage_entered_at AS entered_at,
             lead(h.stage_entered_at) OVER (PARTITION BY h.network_id, h.referral_id ORDER BY h.sequence) AS left_at
      FROM stager.stage_history h
      WHERE h.kind IN ('opened', 'stage_changed')) stay
WHERE stay.waiting_on <> 'nobody';
COMMENT ON VIEW stager.waits IS 'Every stay of a referral in a stage: on whom it waited, and how long (R3).';
