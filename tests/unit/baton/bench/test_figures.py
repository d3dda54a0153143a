import pytest

from baton.bench.figures import compared, percentile
from baton.bench.progress import slope


def test_percentile_takes_the_nearest_rank() -> None:
    values = [float(n) for n in range(1, 101)]

    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([7.0], 0.99)) == (51.0, 100.0, 7.0)


def test_ratio_is_the_rate_over_the_baseline() -> None:
    figures = compared(bench="intake", records=10, rate_per_s=700.0, baseline="bare", baseline_per_s=1000.0)

    assert figures.ratio == 0.7


def test_slope_leaves_start_and_end_of_a_run_out() -> None:
    slow_start = [(0.0, 0), (10.0, 100), (11.0, 900), (20.0, 1000)]

    assert slope(slow_start, 1000) == pytest.approx(800.0)


def test_slope_of_a_run_that_was_seen_only_at_its_ends() -> None:
    assert slope([(0.0, 0), (2.0, 1000)], 1000) == pytest.approx(500.0)
