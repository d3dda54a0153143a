from datetime import timedelta

import pytest

from services.courier.rules.effects import (
    LONGEST_DELAY,
    MAX_ATTEMPTS,
    EffectState,
    Outcome,
    Transport,
    Verdict,
    after_attempt,
    effects_of,
)
from services.courier.rules.telling import Notice, new_part
from tests.support.notices import NOON, requested, signal

LATER = Outcome(Verdict.LATER, "timeout")


def notice() -> Notice:
    told = new_part(requested(1), {signal(1)}, at=NOON)
    assert told is not None
    return told


def test_nothing_leaves_where_nobody_is_to_be_told() -> None:
    assert effects_of(notice(), recipients={}, webhook=None) == []
    assert effects_of(notice(), recipients={"riverside.hill.*": ["desk@hill.example"]}, webhook=None) == []


def test_each_address_of_the_queue_gets_one_mail() -> None:
    recipients = {
        "riverside.harbor.*": ["desk@harbor.example"],
        "*.scheduling": ["desk@harbor.example", "sam@harbor.example"],
    }

    effects = effects_of(notice(), recipients=recipients, webhook="https://hooks.example")

    assert [(e.transport, e.address) for e in effects] == [
        (Transport.MAIL, "desk@harbor.example"),
        (Transport.MAIL, "sam@harbor.example"),
        (Transport.WEBHOOK, "https://hooks.example"),
    ]
    assert len({e.effect_id for e in effects}) == 3
    assert effects_of(notice(), recipients=recipients, webhook="https://hooks.example") == effects


def test_failed_attempts_are_further_and_further_apart_and_then_given_up() -> None:
    tries = [after_attempt(LATER, attempts=n, now=NOON) for n in range(1, MAX_ATTEMPTS + 1)]

    waits = [then.at - NOON for then in tries[:-1]]
    assert waits[:3] == [timedelta(seconds=5), timedelta(seconds=10), timedelta(seconds=20)]
    assert waits == sorted(waits)
    assert max(waits) <= LONGEST_DELAY
    assert [then.state for then in tries] == [EffectState.PENDING] * (MAX_ATTEMPTS - 1) + [EffectState.GIVEN_UP]


@pytest.mark.parametrize(("verdict", "state"), [(Verdict.SENT, EffectState.SENT), (Verdict.NEVER, EffectState.FAILED)])
def test_a_final_answer_is_final(verdict: Verdict, state: EffectState) -> None:
    assert after_attempt(Outcome(verdict), attempts=1, now=NOON).state is state
