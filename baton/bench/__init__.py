"""Benchmarks, each beside its baseline in the same run: ratios hold when the speed of the machine drifts."""
