from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import queue_of
from schemas.vocabulary import NoticeKind, SignalKind, Team
from services.sla.rules.bundling import MAX_SIGNALS, TakenSignal, notices_of, take
from services.sla.rules.windows import window_start
from tests.support.sla import CLINIC, MONDAY, NETWORK, QUEUE, signalled

MINUTE = timedelta(minutes=1)
SIGNALS = st.lists(
    st.builds(
        lambda number, seconds, kind, team: take(
            signalled(
                number,
                kind=kind,
                fires_at=MONDAY + timedelta(seconds=seconds),
                owner_queue=queue_of(NETWORK, CLINIC, team),
            )
        ),
        st.integers(1, 10_000),
        st.integers(0, 300),
        st.sampled_from(SignalKind),
        st.sampled_from(Team),
    ),
    max_size=40,
    unique_by=lambda signal: signal.signal_id,
)


@given(SIGNALS)
def test_every_signal_is_told_once_and_every_queue_kind_and_window_is_one_notice(signals: list[TakenSignal]) -> None:
    notices = notices_of(signals, window=MINUTE)

    told = [signal_id for notice in notices for signal_id in notice.signal_ids]
    assert sorted(told) == sorted(signal.signal_id for signal in signals)
    groups = [(notice.recipient_queue, notice.kind, notice.window_start) for notice in notices]
    assert len(groups) == len(set(groups))
    for signal in signals:
        notice = next(n for n in notices if signal.signal_id in n.signal_ids)
        assert (notice.recipient_queue, notice.kind) == (signal.queue, signal.kind.value)
        assert notice.window_start == window_start(signal.fires_at, MINUTE)
        assert notice.referral_ids[notice.signal_ids.index(signal.signal_id)] == signal.referral_id


@given(SIGNALS, st.randoms())
def test_the_order_of_arrival_does_not_change_a_notice(signals: list[TakenSignal], random: object) -> None:
    shuffled = list(signals)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis' own random.Random

    assert notices_of(shuffled, window=MINUTE) == notices_of(signals, window=MINUTE)


def test_another_signal_makes_another_notice() -> None:
    one, two = take(signalled(1)), take(signalled(2))

    ids = {notices_of(signals, window=MINUTE)[0].event_id for signals in ([one], [two], [one, two])}

    assert len(ids) == 3


def test_a_notice_says_what_happened_to_whom_and_nothing_else() -> None:
    notice = notices_of([take(signalled(1))], window=MINUTE)[0]

    assert (notice.recipient_queue, notice.team, notice.kind) == (QUEUE, Team.ELIGIBILITY, NoticeKind.BREACH)
    assert (notice.window_start, notice.window_end) == (MONDAY, MONDAY + MINUTE)


def test_too_many_signals_for_a_record_become_several_notices() -> None:
    template = take(signalled(1))
    signals = [_renamed(template, number) for number in range(MAX_SIGNALS + 1)]

    assert [len(notice.signal_ids) for notice in notices_of(signals, window=MINUTE)] == [MAX_SIGNALS, 1]


def test_a_queue_without_a_team_is_refused() -> None:
    with pytest.raises(ValueError, match="nobody"):
        take(signalled(1, owner_queue="riverside.harbor.nobody"))


def _renamed(signal: TakenSignal, number: int) -> TakenSignal:
    fields: Sequence[str] = TakenSignal.__slots__
    return TakenSignal(**{name: getattr(signal, name) for name in fields} | {"signal_id": f"{number:06}"})
