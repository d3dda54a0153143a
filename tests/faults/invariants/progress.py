"""Invariants H and I: no canary where no patient may be named; work goes on soon after each fault."""

from collections.abc import Iterator

from tests.faults.evidence import Evidence, Invariant, Violation


def leaks(evidence: Evidence) -> Iterator[Violation]:
    """Yield the places where the canary was seen."""
    for place in evidence.sightings:
        yield Violation(Invariant.NO_PHI, "a patient is named", place)


def standstills(evidence: Evidence) -> Iterator[Violation]:
    """Yield faults after which work did not go on in time, and what still waits or hangs at the end."""
    longest = evidence.recovers_within_s
    for recovery in evidence.recoveries:
        if recovery.seconds is None:
            yield Violation(Invariant.PROGRESS, "stood still for ever", recovery.fault)
        elif longest is not None and recovery.seconds > longest:
            yield Violation(Invariant.PROGRESS, f"stood still for {recovery.seconds:.0f} s", recovery.fault)
    for standing in evidence.standings:
        if standing.committed < standing.end:
            place = f"{standing.group} {standing.topic}/{standing.partition}"
            yield Violation(Invariant.PROGRESS, f"{standing.end - standing.committed} records wait at the end", place)
    for what in evidence.missed:
        yield Violation(Invariant.PROGRESS, "waited for in vain", what)
    for place in evidence.hanging:
        yield Violation(Invariant.PROGRESS, "a transaction hangs", place)
