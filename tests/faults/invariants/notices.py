"""Invariant F, the telling: each signal that fired is told by a notice, once."""

from collections import Counter
from collections.abc import Iterator

from tests.faults.evidence import Evidence, Invariant, Violation
from tests.faults.invariants.clocks import SIGNALLED


def wrong_notices(evidence: Evidence) -> Iterator[Violation]:
    """Yield signals that nobody was told of, that were told twice, and notices of what never fired."""
    if not evidence.watches_notices:
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
        # however late: a campaign ends when all is told, or when nobody would wait any longer
        if not told[kind, str(event_id)]:
            yield _wrong("fired, but never told", str(event_id), kind)


def _wrong(what: str, signal_id: str, kind: str) -> Violation:
    return Violation(Invariant.CLOCKS, what, f"{signal_id} {kind}")
