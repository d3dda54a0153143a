"""Whatever happens in whatever order, the rules keep what tests/support/stager_promises.py says."""

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.stager_machine import StagerMachine


def test_whatever_happens_every_promise_is_kept() -> None:
    run_state_machine_as_test(StagerMachine, settings=settings(max_examples=100, stateful_step_count=40, deadline=None))
