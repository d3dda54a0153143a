"""What the live view tells, read from the database; no patient is named."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

import psycopg

RATE_WINDOW_S = 30.0
MOST_NEWS = 60
_STAGES = """
    SELECT stage, count(*), count(*) FILTER (WHERE breached), count(*) FILTER (WHERE clock = 'paused')
    FROM stager.referral GROUP BY stage
"""
_NEWS = """
    SELECT updated_at, referral_id, stage, priority, breached
    FROM stager.referral ORDER BY updated_at DESC, referral_id LIMIT %s
"""
_POLICY = "SELECT sla_policy, stage_entered_at FROM stager.referral ORDER BY stage_entered_at DESC LIMIT 1"
_QUARANTINED = " UNION ALL ".join(
    f"SELECT count(*) AS n FROM {service}.quarantine WHERE state IN ('quarantined', 'parked', 'retrying')"  # noqa: S608
    for service in ("intake", "matcher", "stager", "sla", "courier")
)
_COUNTS = f"""
    SELECT (SELECT count(*) FROM stager.referral),
           (SELECT count(*) FROM matcher.patient),
           (SELECT count(*) FROM matcher.possible_duplicate WHERE state = 'open'),
           (SELECT count(*) FROM courier.notice),
           (SELECT count(*) FROM stager.invariant_violations),
           (SELECT count(*) FROM sla.clock WHERE state = 'fired' AND kind = 'reminder'),
           (SELECT count(*) FROM sla.clock WHERE state = 'fired' AND kind = 'breach'),
           (SELECT count(*) FROM stager.stage_history),
           (SELECT sum(n) FROM ({_QUARANTINED}) AS open_rows),
           (SELECT count(*) FROM matcher.automation_log WHERE kind = 'repeated_transmission')
"""  # noqa: S608


@dataclass(frozen=True, kw_only=True)
class StageFigures:
    """The referrals of one stage."""

    referrals: int = 0
    overdue: int = 0
    paused: int = 0


@dataclass(frozen=True, kw_only=True)
class Happening:
    """The last thing that happened to one referral."""

    at: datetime
    referral_id: str
    stage: str
    priority: str
    is_overdue: bool


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The figures of one moment."""

    stages: Mapping[str, StageFigures]
    news: tuple[Happening, ...]  #: the latest first
    policy: str  #: of the referral that entered a stage last, name@version
    policy_used_at: datetime | None
    referrals: int
    patients: int
    duplicates: int
    notices: int
    violations: int
    reminders: int
    breaches: int
    changes: int
    quarantine: int
    repeated: int


def take_snapshot(connection: psycopg.Connection) -> Snapshot:
    """Read the figures from the database."""
    stages = {
        str(stage): StageFigures(referrals=n, overdue=overdue, paused=paused)
        for stage, n, overdue, paused in connection.execute(_STAGES)
    }
    news = tuple(
        Happening(at=at, referral_id=referral_id, stage=stage, priority=priority, is_overdue=breached)
        for at, referral_id, stage, priority, breached in connection.execute(_NEWS, (MOST_NEWS,))
    )
    policy, used_at = connection.execute(_POLICY).fetchone() or ("", None)
    names = (
        "referrals", "patients", "duplicates", "notices", "violations", "reminders", "breaches", "changes",
        "quarantine", "repeated",
    )  # fmt: skip
    counts = connection.execute(_COUNTS).fetchone() or (0,) * len(names)
    figures = dict(zip(names, map(int, counts), strict=True))
    return Snapshot(stages=stages, news=news, policy=policy, policy_used_at=used_at, **figures)


@dataclass
class Rates:
    """How fast figures grow, over a sliding window."""

    seen: deque[tuple[float, int, int]] = field(default_factory=deque)

    def update(self, snapshot: Snapshot) -> tuple[float, float]:
        """Take a snapshot and return referrals and changes per second."""
        now = monotonic()
        self.seen.append((now, snapshot.referrals, snapshot.changes))
        while now - self.seen[0][0] > RATE_WINDOW_S:
            self.seen.popleft()
        then, referrals, changes = self.seen[0]
        span = max(now - then, 1.0)
        return (snapshot.referrals - referrals) / span, (snapshot.changes - changes) / span
