"""Whatever happens in whatever order, the rules keep what tests/support/stager_promises.py says."""

from collections import Counter

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from schemas.events import ReferralChanged
from schemas.vocabulary import ChangeKind, Stage
from services.stager.rules.decision import Refusal, Rule
from services.stager.rules.transitions import Input
from tests.support.paper_stager import Taken
from tests.support.stager_machine import StagerMachine

#: the rules that refuse only what is rarely asked for may be missed
REFUSALS = 15
#: what is drawn depends on which modules are loaded; so many stages and kinds of change may be missed
MISSED = 2


def test_whatever_happens_every_promise_is_kept() -> None:
    run_state_machine_as_test(StagerMachine, settings=settings(max_examples=150, stateful_step_count=40, deadline=None))


def test_random_lives_reach_every_stage_and_most_refusals() -> None:
    """Guards the test above: it would pass trivially if everything were refused."""
    reached: Counter[Stage | ChangeKind] = Counter()
    refusals: Counter[Rule] = Counter()

    class Counting(StagerMachine):
        def deliver(self, event: Input) -> Taken:
            taken = super().deliver(event)
            for told in taken.told:
                if isinstance(told, ReferralChanged):
                    reached.update((told.stage, told.kind))
            if isinstance(taken.outcome, Refusal):
                refusals[taken.outcome.rule] += 1
            return taken

    often = settings(max_examples=300, stateful_step_count=40, deadline=None, derandomize=True, database=None)
    run_state_machine_as_test(Counting, settings=often)

    assert len({*Stage, *ChangeKind} - set(reached)) <= MISSED
    assert len(refusals) >= REFUSALS
