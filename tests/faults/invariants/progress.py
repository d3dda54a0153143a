"""Invariants H and I: no canary where no patient may be named; work goes on soon after each fault."""

from collections.abc import Iterator

from tests.faults.evidence import Evidence, Invariant, Violation

RECOVERY_WITHIN_S = 30.0


def leaks(evidence: Evidence) -> Iterator[Violation]:
    """Yield the places where the canary was seen."""
    for place in evidence.sightings:
        yield Violation(Invariant.NO_PHI, "a patient is named", place)


def standstills(evidence: Evidence) -> Iterator[Violation]:
    """Yield faults after which work did not go on in time, and what still waits or hangs at the end."""
    for recovery in evidence.recoveries:
        if recovery.seconds is None or recovery.seconds > RECOVERY_WITHIN_S:
            took = "for ever" if recovery.seconds is None else f"for {recovery.seconds:.0f} s"
            yield Violation(Invariant.PROGRESS, f"stood still {took}", recovery.fault)
    for standing in evidence.standings:
        if standing.committed < standing.end:
            place = f"{standing.group} {standing.topic}/{standing.partition}"
            yield Violation(Invariant.PROGRESS, f"{standing.end - standing.committed} records wait at the end", place)
    for place in evidence.hanging:
        yield Violation(Invariant.PROGRESS, "a transaction hangs", place)
