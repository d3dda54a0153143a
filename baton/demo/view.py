"""The live terminal view: what came in, where referrals are, what is overdue, what is in quarantine."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic

import psycopg
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from schemas.vocabulary import Stage

RATE_WINDOW_S = 30.0
_STAGES = """
    SELECT stage, count(*), count(*) FILTER (WHERE breached), count(*) FILTER (WHERE clock = 'paused')
    FROM stager.referral GROUP BY stage
"""
_COUNTS = """
    SELECT (SELECT count(*) FROM stager.referral),
           (SELECT count(*) FROM matcher.patient),
           (SELECT count(*) FROM matcher.possible_duplicate WHERE state = 'open'),
           (SELECT count(*) FROM courier.notice),
           (SELECT count(*) FROM stager.invariant_violations),
           (SELECT count(*) FROM sla.clock WHERE state = 'fired' AND kind = 'reminder'),
           (SELECT count(*) FROM sla.clock WHERE state = 'fired' AND kind = 'breach'),
           (SELECT count(*) FROM stager.stage_history)
"""
_QUARANTINE = """
    SELECT sum(n) FROM (
        SELECT count(*) AS n FROM intake.quarantine WHERE state IN ('quarantined', 'parked', 'retrying')
        UNION ALL SELECT count(*) FROM matcher.quarantine WHERE state IN ('quarantined', 'parked', 'retrying')
        UNION ALL SELECT count(*) FROM stager.quarantine WHERE state IN ('quarantined', 'parked', 'retrying')
        UNION ALL SELECT count(*) FROM sla.quarantine WHERE state IN ('quarantined', 'parked', 'retrying')
        UNION ALL SELECT count(*) FROM courier.quarantine WHERE state IN ('quarantined', 'parked', 'retrying')
    ) AS open_rows
"""
_REPEATED = "SELECT count(*) FROM matcher.automation_log WHERE kind = 'repeated_transmission'"


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The figures of one moment."""

    stages: Mapping[str, tuple[int, int, int]]
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
    stages = {str(stage): (n, overdue, paused) for stage, n, overdue, paused in connection.execute(_STAGES)}
    counts = connection.execute(_COUNTS).fetchone() or (0,) * 8
    quarantine = connection.execute(_QUARANTINE).fetchone() or (0,)
    repeated = connection.execute(_REPEATED).fetchone() or (0,)
    names = ("referrals", "patients", "duplicates", "notices", "violations", "reminders", "breaches", "changes")
    figures = dict(zip(names, map(int, counts), strict=True))
    return Snapshot(stages=stages, quarantine=int(quarantine[0]), repeated=int(repeated[0]), **figures)


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


def render(snapshot: Snapshot, rates: tuple[float, float], title: str, troubles: Sequence[str] = ()) -> RenderableType:
    """Draw the view, with a line for each process that is in trouble."""
    stages = Table("stage", "referrals", "overdue", "clock paused", expand=True)
    for stage in Stage:
        count, overdue, paused = snapshot.stages.get(stage.value, (0, 0, 0))
        style = "red" if overdue else None
        stages.add_row(stage.value.replace("_", " "), str(count), str(overdue or ""), str(paused or ""), style=style)
    figures = Table.grid(padding=(0, 3))
    figures.add_row(
        f"referrals {snapshot.referrals} ({rates[0]:.1f}/s)",
        f"changes {snapshot.changes} ({rates[1]:.1f}/s)",
        f"patients {snapshot.patients}",
        f"repeats dropped {snapshot.repeated}",
    )
    figures.add_row(
        f"reminders {snapshot.reminders}",
        f"breaches {snapshot.breaches}",
        f"notices {snapshot.notices}",
        f"possible duplicates {snapshot.duplicates}",
    )
    figures.add_row(f"quarantine {snapshot.quarantine}", f"without owner or due {snapshot.violations}")
    warnings = [Text(line, style="yellow", overflow="ellipsis", no_wrap=True) for line in troubles]
    return Panel(Group(figures, *warnings, stages), title=title, subtitle="Ctrl-C stops everything")
