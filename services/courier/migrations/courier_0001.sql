CREATE TABLE courier.notice (
    network_id      text NOT NULL,
    notice_id       text NOT NULL,
    recipient_queue text NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('reminder', 'breach', 'breach_storm')),
    window_start    timestamptz NOT NULL,
    window_end      timestamptz NOT NULL,
    signal_ids      text[] NOT NULL,
    referral_ids    text[] NOT NULL,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (network_id, notice_id)
);
COMMENT ON TABLE courier.notice IS 'What a queue was told in the application: referrals that need attention, without PHI (R25).';
COMMENT ON COLUMN courier.notice.signal_ids IS 'The signals that no notice before had told.';
CREATE INDEX notice_queue ON courier.notice (network_id, recipient_queue, created_at DESC);

CREATE TABLE courier.told_signal (
    signal_id text NOT NULL,
    kind      text NOT NULL,
    notice_id text NOT NULL,
    PRIMARY KEY (signal_id, kind)
);
COMMENT ON TABLE courier.told_signal IS 'Every signal that was told, once for each kind of notice: what keeps a repeated or late notice from telling twice.';

CREATE TABLE courier.effect (
    effect_id       text PRIMARY KEY,
    network_id      text NOT NULL,
    notice_id       text NOT NULL,
    transport       text NOT NULL CHECK (transport IN ('mail', 'webhook')),
    address         text NOT NULL,
    state           text NOT NULL CHECK (state IN ('pending', 'sent', 'failed', 'given_up')),
    attempts        integer NOT NULL DEFAULT 0,
    last_error      text,
    next_attempt_at timestamptz NOT NULL,
    created_at      timestamptz NOT NULL,
    sent_at         timestamptz,
    FOREIGN KEY (network_id, notice_id) REFERENCES courier.notice
);
COMMENT ON TABLE courier.effect IS 'What leaves Baton: one row for each notice, transport and address, tried until it is sent, refused or given up.';
COMMENT ON COLUMN courier.effect.effect_id IS 'UUIDv5 of notice, transport and address; the idempotency key that the receiver sees.';
COMMENT ON COLUMN courier.effect.state IS 'failed: the receiver refused it for good; given_up: it was tried too often.';
COMMENT ON COLUMN courier.effect.attempts IS 'Attempts begun; counted before sending, so that one that ends the process is counted too.';
COMMENT ON COLUMN courier.effect.next_attempt_at IS 'Also the end of the lease of an attempt in progress.';
CREATE INDEX effect_pending ON courier.effect (next_attempt_at) WHERE state = 'pending';
