"""The invariants of the promise, each a pure function from what a campaign knows to what is wrong."""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain

from tests.faults.evidence import Evidence, Invariant, Violation
from tests.faults.invariants.audit import broken_audit
from tests.faults.invariants.clocks import wrong_clocks
from tests.faults.invariants.dispositions import wrong_dispositions
from tests.faults.invariants.existence import lost_or_doubled, never_sent
from tests.faults.invariants.notices import wrong_notices
from tests.faults.invariants.path import illegal_paths
from tests.faults.invariants.progress import leaks, standstills
from tests.faults.invariants.topics import wrong_on_topics

CHECKS: Mapping[Invariant, Callable[[Evidence], Iterator[Violation]]] = {
    Invariant.EXISTS_ONCE: lost_or_doubled,
    Invariant.NOTHING_UNSENT: never_sent,
    Invariant.LEGAL_PATH: illegal_paths,
    Invariant.ONCE_ON_TOPIC: wrong_on_topics,
    Invariant.ONE_DISPOSITION: wrong_dispositions,
    Invariant.CLOCKS: lambda evidence: chain(wrong_clocks(evidence), wrong_notices(evidence)),
    Invariant.AUDIT: broken_audit,
    Invariant.NO_PHI: leaks,
    Invariant.PROGRESS: standstills,
}


def check(evidence: Evidence) -> tuple[Violation, ...]:
    """Return everything that is wrong."""
    return tuple(violation for judge in CHECKS.values() for violation in judge(evidence))
