"""Invariant F, the telling: each signal that fired is told by a notice, once."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from tests.faults.evidence import Evidence, Invariant, Violation
from tests.faults.invariants.clocks import LATE, SIGNALLED, excused_until

#: window and grace of the campaign's policy, and a turn of the worker that tells
BUNDLED_FOR = timedelta(seconds=5 + 2 + 1)


def wrong_notices(evidence: Evidence) -> Iterator[Violation]:
    """Yield signals that nobody was told of, that were told twice, and notices of what never fired."""
    if not evidence.watches_notices or evidence.ended_at is None:
        return
    fired = {r.event_id: r for r in reversed(evidence.records) if r.topic == SIGNALLED and r.event_id is not None}
    told = Counter((notice.kind, signal_id) for notice in evidence.tables.notices for signal_id in notice.signal_ids)
    for (kind, signal_id), count in told.items():
        if count > 1:
            yield _wrong(f"told {count} times", signal_id, kind)
        if signal_id not in fired:
            yield _wrong("told, but never fired", signal_id, kind)
    for event_id, record in fired.items():
        kind = str(record.values["kind"])
        limit = excused_until(record.at + BUNDLED_FOR, evidence.outages) + LATE
        if limit < evidence.ended_at and not told[kind, str(event_id)]:
            yield _wrong("fired, but never told", str(event_id), kind)


def _wrong(what: str, signal_id: str, kind: str) -> Violation:
    return Violation(Invariant.CLOCKS, what, f"{signal_id} {kind}")
