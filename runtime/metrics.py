"""Every metric of Baton, in one list; labels are ids of services, topics and words of the vocabulary."""

from prometheus_client import Counter, Gauge, Histogram

BATCH_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
LAG_SECONDS = (0.01, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 30, 300, 3600)

RECORDS = Counter(
    "baton_records_total", "Consumed records by what became of them.", ["service", "topic", "disposition"]
)
PRODUCED = Counter("baton_produced_total", "Records produced.", ["service", "topic"])
BATCH_DURATION = Histogram("baton_batch_seconds", "Time of one exactly-once step.", ["service"], buckets=BATCH_SECONDS)
BATCH_RECORDS = Histogram(
    "baton_batch_records", "Records in one step.", ["service"], buckets=(1, 5, 20, 50, 100, 250, 500)
)
LAST_COMMIT = Gauge("baton_last_commit_timestamp_seconds", "When the last step was committed.", ["service"])
LAG = Gauge("baton_consumer_lag_records", "Records waiting for this instance.", ["service"])
END_TO_END = Histogram(
    "baton_acceptance_to_effect_seconds",
    "From acceptance of a referral to the effect.",
    ["service"],
    buckets=LAG_SECONDS,
)
QUARANTINE_OPEN = Gauge(
    "baton_quarantine_open_records", "Quarantined or parked records not yet dealt with.", ["service"]
)
REFERRAL_CHANGES = Counter("baton_referral_changes_total", "Changes of referrals by kind.", ["kind"])
COMMANDS = Counter("baton_commands_total", "Commands by action and by what became of them.", ["action", "outcome"])
FIRING_LAG = Histogram(
    "baton_firing_lag_seconds",
    "From the instant of a clock to its signal at the broker.",
    ["kind"],
    buckets=LAG_SECONDS,
)
ARMED_CLOCKS = Gauge("baton_armed_clocks", "Clocks that can still fire.")
WINDOW_SIGNALS = Counter(
    "baton_window_signals_total", "Signals taken into windows, by what became of them.", ["outcome"]
)
WEEK_SIGNALS = Gauge(
    "baton_week_signals",
    "Reminders and breaches of the current week, about; SQL has the exact figure.",
    ["network", "clinic", "stage", "kind"],
)
NOTICES_REQUESTED = Counter("baton_notices_requested_total", "Notices sent to the courier; repeats included.", ["kind"])
NOTICES = Counter("baton_notices_total", "Notices by kind and by what became of them.", ["kind", "outcome"])
EFFECTS = Counter(
    "baton_effects_total", "Attempts to tell somebody outside, by transport and outcome.", ["transport", "outcome"]
)
EFFECTS_PENDING = Gauge("baton_effects_pending", "Mails and calls that wait to be sent.")
INVARIANT_VIOLATIONS = Gauge(
    "baton_invariant_violations", "What open referrals lack of owner, due time and open task; must be 0 (R4)."
)
SUBMISSIONS = Counter(
    "baton_submissions_total", "Messages at the doors by channel and outcome.", ["channel", "outcome"]
)
BOARD_REQUESTS = Histogram(
    "baton_board_request_seconds",
    "Time of a request of the board by route and status.",
    ["route", "status"],
    buckets=BATCH_SECONDS,
)
