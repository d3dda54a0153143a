from collections import Counter
from datetime import timedelta

from hypothesis import HealthCheck, given, settings

from schemas.events import ReferralChanged, ReferralState
from schemas.vocabulary import ChangeKind, ClockState, Stage
from services.stager.rules.announcing import announce
from services.stager.rules.decision import Decision
from services.stager.rules.invariant import violations
from services.stager.rules.referral import TaskStatus
from services.stager.rules.transitions import decide
from tests.support.stager import Desk, match
from tests.support.stager_inputs import Step, input_of, steps

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def live(desk: Desk, life: list[Step]) -> list[Decision]:
    decisions = []
    for number, step in enumerate(life):
        desk.wait(minutes=step.minutes)
        event = input_of(step, number, desk.now, desk.book.table, desk.referral, desk.tasks)
        before = desk.referral
        outcome = desk.take(event)
        if isinstance(outcome, Decision):
            decisions.append(outcome)
        else:
            assert desk.referral is before
        assert list(violations(desk.book, desk.referral, desk.tasks)) == []
    return decisions


@given(steps())
@QUICK
def test_an_open_referral_always_has_owner_time_and_task(life: list[Step]) -> None:
    desk = Desk()

    live(desk, life)

    rule = desk.book.stage(desk.referral.stage)
    assert desk.referral.waiting_on is rule.waiting_on
    assert desk.referral.owner_queue == f"riverside.harbor.{rule.team}"
    assert rule.is_open or desk.tasks == ()


@given(steps())
@QUICK
def test_sequences_are_dense_and_stays_are_counted(life: list[Step]) -> None:
    desk = Desk()

    decisions = live(desk, life)

    changes = [change for decision in decisions for change in decision.changes]
    assert [change.after.sequence for change in changes] == list(range(2, len(changes) + 2))
    entered = [change for change in changes if change.kind is ChangeKind.STAGE_CHANGED]
    assert [change.after.stage_entry for change in entered] == list(range(2, len(entered) + 2))
    assert desk.referral.rework_count == sum(change.is_rework for change in changes)


@given(steps())
@QUICK
def test_clocks_and_reminders_make_sense(life: list[Step]) -> None:
    desk = Desk()

    for decision in live(desk, life):
        after = decision.referral
        assert (after.clock is ClockState.RUNNING) is (after.due_at is not None)
        assert after.remind_at is None or (after.due_at is not None and after.remind_at <= after.due_at)
        assert after.used_s >= 0
        assert not after.breached or after.clock is ClockState.RUNNING


@given(steps())
@QUICK
def test_facts_and_state_agree_and_have_ids_of_their_own(life: list[Step]) -> None:
    desk = Desk()
    ids: Counter[str] = Counter()

    for decision in live(desk, life):
        *changes, state = announce(decision, desk.tasks)
        assert all(isinstance(change, ReferralChanged) for change in changes)
        assert isinstance(state, ReferralState)
        assert state.sequence == changes[-1].sequence
        assert (state.stage, state.due_at) == (changes[-1].stage, changes[-1].due_at)
        ids.update(event.event_id for event in (*changes, state))

    assert not ids or max(ids.values()) == 1


@given(steps())
@QUICK
def test_the_same_life_again_decides_the_same(life: list[Step]) -> None:
    first, second = Desk(), Desk()

    assert live(first, life) == live(second, life)
    assert first.working == second.working


def test_random_lives_reach_every_stage() -> None:
    """Guards the properties above: they would hold trivially if every step were refused."""
    reached: Counter[Stage] = Counter()

    @given(steps())
    @settings(max_examples=300, deadline=None, database=None, derandomize=True)
    def wander(life: list[Step]) -> None:
        desk = Desk()
        live(desk, life)
        reached.update(change.after.stage for change in desk.working.changes)

    wander()

    assert set(reached) == set(Stage)


def test_recorded_time_is_the_records_and_effective_time_the_inputs() -> None:
    desk = Desk()
    recorded_at = desk.now + timedelta(days=2)

    outcome = decide(desk.book, desk.working.subject("other"), match(2), recorded_at)

    assert isinstance(outcome, Decision)
    assert outcome.changes[0].cause.at == desk.now
    assert outcome.changes[0].cause.recorded_at == recorded_at
    assert outcome.referral.updated_at == recorded_at
    assert all(task.status is TaskStatus.OPEN for task in outcome.tasks)
