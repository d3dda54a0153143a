"""What a benchmark answers."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One benchmark's result; a figure that does not apply is None."""

    bench: str
    records: int
    rate_per_s: float | None = None
    baseline: str | None = None
    baseline_per_s: float | None = None
    ratio: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    note: str | None = None


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of the values lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def compared(*, bench: str, records: int, rate_per_s: float, baseline: str, baseline_per_s: float) -> Figures:
    """Return figures with their ratio to the baseline."""
    return Figures(
        bench=bench,
        records=records,
        rate_per_s=round(rate_per_s, 1),
        baseline=baseline,
        baseline_per_s=round(baseline_per_s, 1),
        ratio=round(rate_per_s / baseline_per_s, 2),
    )
