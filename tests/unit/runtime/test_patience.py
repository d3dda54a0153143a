"""A part that is away is waited for in place, for a while, and the process says so."""

import time
from collections.abc import Callable

import pytest

from runtime.health import Readiness
from runtime.patience import Patience
from runtime.unavailable import InfrastructureUnavailable


class StoreAway(InfrastructureUnavailable):
    part = "store"


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let time pass by the pauses alone, and return them."""
    made: list[float] = []
    monkeypatch.setattr(time, "sleep", made.append)
    monkeypatch.setattr(time, "monotonic", lambda: sum(made))
    return made


def readiness() -> Readiness:
    made = Readiness()
    made.set_ready()
    return made


def away(times: int, told: Callable[[], object] = list) -> tuple[Callable[[], None], list[object]]:
    """Return an act that fails so many times, and what was told when each attempt began."""
    attempts: list[object] = []

    def act() -> None:
        attempts.append(told())
        if len(attempts) <= times:
            raise StoreAway

    return act, attempts


def test_what_goes_well_costs_no_pause(pauses: list[float]) -> None:
    act, attempts = away(0)

    Patience(30.0, readiness(), lambda: False).wait_out(act)

    assert (len(attempts), pauses) == (1, [])


def test_the_same_is_done_again_until_the_part_is_back(pauses: list[float]) -> None:
    ready = readiness()
    act, told = away(6, lambda: (ready.is_ready(), ready.why_not))

    Patience(30.0, ready, lambda: False).wait_out(act)

    assert told == [(True, "")] + [(False, "store is away")] * 6
    assert ready.is_ready()
    assert pauses == [0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


def test_a_part_that_stays_away_is_given_up_at_the_limit(pauses: list[float]) -> None:
    ready = readiness()

    with pytest.raises(StoreAway):
        Patience(30.0, ready, lambda: False).wait_out(away(1_000)[0])

    assert 28 < sum(pauses) <= 30
    assert not ready.is_ready()


def test_who_is_asked_to_stop_waits_no_longer(pauses: list[float]) -> None:
    with pytest.raises(StoreAway):
        Patience(30.0, readiness(), lambda: len(pauses) == 2).wait_out(away(1_000)[0])

    assert len(pauses) == 2


def test_any_other_error_is_not_waited_for(pauses: list[float]) -> None:
    def act() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        Patience(30.0, readiness(), lambda: False).wait_out(act)

    assert pauses == []
