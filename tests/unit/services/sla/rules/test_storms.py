from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from schemas.events import NoticeRequested
from schemas.vocabulary import NoticeKind, Team
from services.sla.rules.bundling import TakenSignal, take
from services.sla.rules.storms import Storm, StormRule, watch
from tests.support.sla import MONDAY, signalled

MINUTE = timedelta(minutes=1)
RULE = StormRule(breaches=3, length=10 * MINUTE)


def breach(number: int, minute: float) -> TakenSignal:
    return take(signalled(number, fires_at=MONDAY + minute * MINUTE))


def test_few_breaches_are_no_storm() -> None:
    assert watch(RULE, None, [breach(1, 0), breach(2, 1)]) == (None, ())


def test_many_in_a_short_time_are_one_escalation_to_the_supervisors() -> None:
    storm, (escalation,) = watch(RULE, None, [breach(n, n / 2) for n in range(3)])

    assert storm is not None
    assert (escalation.kind, escalation.team) == (NoticeKind.BREACH_STORM, Team.SUPERVISOR)
    assert len(escalation.signal_ids) == 3


def test_as_many_in_a_long_time_are_none() -> None:
    assert watch(RULE, None, [breach(n, 9 * n) for n in range(9)])[1] == ()


def test_a_storm_that_goes_on_is_not_escalated_again() -> None:
    storm, first = watch(RULE, None, [breach(n, n) for n in range(5)])

    storm, again = watch(RULE, storm, [breach(n, n) for n in range(25)])

    assert (len(first), again) == (1, ())
    assert storm is not None
    assert storm.until > MONDAY + 24 * MINUTE


def test_a_second_storm_after_a_calm_is_escalated_and_the_first_is_not_repeated() -> None:
    first = [breach(n, n / 10) for n in range(4)]
    second = [breach(100 + n, 60 + n / 10) for n in range(4)]
    storm, _ = watch(RULE, None, first)

    storm, escalations = watch(RULE, storm, first + second)
    _, again = watch(RULE, storm, first + second)

    assert [set(e.signal_ids) for e in escalations] == [{b.signal_id for b in second}]
    assert again == ()


@given(st.lists(st.integers(0, 240), max_size=40, unique=True), st.integers(1, 10))
def test_however_breaches_arrive_each_storm_is_escalated_once(minutes: list[int], chunk: int) -> None:
    breaches = [breach(n, minute) for n, minute in enumerate(sorted(minutes))]
    storm: Storm | None = None
    escalations: list[NoticeRequested] = []
    for upto in range(0, len(breaches) + chunk, chunk):
        storm, more = watch(RULE, storm, breaches[:upto])
        escalations += more

    _, at_once = watch(RULE, None, breaches)
    assert [e.window_start for e in escalations] == [e.window_start for e in at_once]
    starts = [e.window_start for e in escalations]
    assert all(later - earlier >= RULE.length for earlier, later in pairwise(starts))
