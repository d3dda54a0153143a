from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import ReferralChanged
from schemas.vocabulary import ChangeKind, ClockState, SignalKind, Stage
from services.sla.rules.clocks import ArmState, SlaClock, Stay, follow, signal_id_of, signal_of
from tests.support.sla import HOUR, MONDAY, QUEUE, change, referral_id

REMINDER, BREACH = SignalKind.REMINDER, SignalKind.BREACH


def after(*changes: ReferralChanged, stay: Stay | None = None) -> Stay:
    stay = stay or Stay()
    for one in changes:
        stay, _ = follow(stay, one)
    return stay


def fired(stay: Stay, kind: SignalKind) -> Stay:
    clocks = {**stay.clocks, kind: replace(stay.clocks[kind], state=ArmState.FIRED)}
    return replace(stay, clocks=clocks)


def states(stay: Stay) -> dict[SignalKind, ArmState]:
    return {kind: clock.state for kind, clock in stay.clocks.items()}


def test_entering_a_stage_arms_both_clocks_at_their_times() -> None:
    stay, touched = follow(Stay(), change())

    assert {c.kind: (c.fires_at, c.state) for c in touched} == {
        REMINDER: (MONDAY + 6 * HOUR, ArmState.ARMED),
        BREACH: (MONDAY + 8 * HOUR, ArmState.ARMED),
    }
    assert stay.sequence == 1


def test_a_stage_too_short_for_a_reminder_has_only_a_breach() -> None:
    assert set(after(change(remind_at=None)).clocks) == {BREACH}


@pytest.mark.parametrize("clock", [ClockState.PAUSED, ClockState.STOPPED])
def test_a_stage_whose_time_does_not_run_has_no_clock(clock: ClockState) -> None:
    assert after(change(clock=clock, remind_at=None, due_at=None)).clocks == {}


def test_leaving_cancels_the_old_stay_and_arms_the_new() -> None:
    stay = fired(after(change()), REMINDER)

    stay, touched = follow(
        stay, change(sequence=2, stage_entry=2, stage=Stage.DOCUMENTATION, due_at=MONDAY + 99 * HOUR)
    )

    assert [(c.stage_entry, c.kind, c.state) for c in touched] == [
        (1, BREACH, ArmState.CANCELLED),
        (2, REMINDER, ArmState.ARMED),
        (2, BREACH, ArmState.ARMED),
    ]
    assert stay.clocks[BREACH].due_at == MONDAY + 99 * HOUR


def test_another_priority_moves_clocks_that_did_not_fire() -> None:
    sooner = change(sequence=2, remind_at=MONDAY + HOUR, due_at=MONDAY + 2 * HOUR, kind=ChangeKind.PRIORITY_CHANGED)

    stay = after(change(), sooner)

    assert stay.clocks[BREACH].fires_at == MONDAY + 2 * HOUR
    assert stay.clocks[REMINDER].fires_at == MONDAY + HOUR


def test_a_moved_clock_has_another_signal_as_the_first_may_be_with_the_broker_already() -> None:
    first = after(change())
    moved = after(change(sequence=2, due_at=MONDAY + 2 * HOUR), stay=first)
    unmoved = after(change(sequence=2, kind=ChangeKind.NOTE_ADDED), stay=first)

    assert first.clocks[BREACH].signal_id == signal_id_of(referral_id(), 1, BREACH)
    assert moved.clocks[BREACH].signal_id != first.clocks[BREACH].signal_id
    assert unmoved.clocks == first.clocks


def test_a_heard_reminder_is_never_sent_again() -> None:
    stay = fired(after(change()), REMINDER)
    heard = change(sequence=2, kind=ChangeKind.REMINDED)
    later = change(sequence=3, remind_at=MONDAY + 20 * HOUR, due_at=MONDAY + 22 * HOUR)

    stay = after(heard, later, stay=stay)

    assert states(stay) == {REMINDER: ArmState.FIRED, BREACH: ArmState.ARMED}


def test_a_signal_overtaken_by_a_new_due_time_is_sent_anew_under_another_id() -> None:
    stay = fired(after(change()), BREACH)

    stay = after(change(sequence=2, due_at=MONDAY + 22 * HOUR), stay=stay)

    clock = stay.clocks[BREACH]
    assert (clock.state, clock.fires_at) == (ArmState.ARMED, MONDAY + 22 * HOUR)
    assert clock.signal_id != signal_id_of(referral_id(), 1, BREACH)


def test_a_change_that_leaves_the_due_time_does_not_repeat_a_signal_on_its_way() -> None:
    stay = fired(fired(after(change()), BREACH), REMINDER)

    stay, touched = follow(stay, change(sequence=2, kind=ChangeKind.NOTE_ADDED))

    assert touched == ()
    assert set(states(stay).values()) == {ArmState.FIRED}


def test_a_pause_suspends_and_going_on_arms_with_the_new_time() -> None:
    paused = change(sequence=2, clock=ClockState.PAUSED, remind_at=None, due_at=None)
    running = change(sequence=3, remind_at=MONDAY + 10 * HOUR, due_at=MONDAY + 12 * HOUR)

    stay = after(change(), paused)
    assert set(states(stay).values()) == {ArmState.SUSPENDED}

    stay = after(running, stay=stay)
    assert set(states(stay).values()) == {ArmState.ARMED}
    assert stay.clocks[REMINDER].fires_at == MONDAY + 10 * HOUR


def test_a_reminder_after_the_breach_is_noise() -> None:
    stay = after(change(), change(sequence=2, kind=ChangeKind.BREACHED, breached=True))

    assert states(stay) == {REMINDER: ArmState.CANCELLED, BREACH: ArmState.FIRED}


def test_a_breach_told_by_the_stager_marks_a_clock_that_was_rebuilt_without_firing() -> None:
    stay = after(change(sequence=5, kind=ChangeKind.NOTE_ADDED, breached=True))

    assert stay.clocks[BREACH].is_heard
    assert states(stay) == {BREACH: ArmState.FIRED} | {REMINDER: ArmState.CANCELLED}


def test_an_overtaken_change_does_nothing() -> None:
    stay = after(change(sequence=3, stage_entry=2))

    assert follow(stay, change(sequence=2, stage_entry=1)) == (stay, ())
    assert follow(stay, change(sequence=3, stage_entry=2)) == (stay, ())


def test_a_signal_says_when_it_was_to_fire_and_when_it_did() -> None:
    clock = after(change()).clocks[BREACH]

    signal = signal_of(clock, fired_at=MONDAY + 9 * HOUR)

    assert (signal.fires_at, signal.fired_at, signal.owner_queue) == (MONDAY + 8 * HOUR, MONDAY + 9 * HOUR, QUEUE)
    assert signal.event_id == clock.signal_id


class Together:
    """Stager, clocks and firing with everything between them on its way as long as the draw wants."""

    def __init__(self) -> None:
        self.now = MONDAY
        self.state: dict[str, Any] = {}
        self.sequence = 0
        self.log: list[ReferralChanged] = []  #: referral.changed
        self.signals: list[SlaClock] = []  #: sla.signalled
        self.followed = 0
        self.seen: set[str] = set()  #: the stager's inbox
        self.stay = Stay()
        self.told: list[tuple[int, SignalKind]] = []
        self.early: list[SlaClock] = []
        self.change(stage_entry=1, **self.times(4))

    def times(self, hours: int) -> dict[str, Any]:
        return {
            "clock": ClockState.RUNNING,
            "remind_at": self.now + HOUR * hours / 2,
            "due_at": self.now + HOUR * hours,
        }

    def change(self, kind: ChangeKind = ChangeKind.STAGE_CHANGED, **fields: Any) -> None:
        self.sequence += 1
        self.state |= fields
        self.log.append(change(sequence=self.sequence, kind=kind, **self.state))

    def move(self, hours: int) -> None:
        self.change(stage_entry=self.state["stage_entry"] + 1, breached=False, **self.times(hours))

    def reprioritise(self, hours: int) -> None:
        if not self.state.get("breached") and self.state["clock"] is ClockState.RUNNING:
            self.change(ChangeKind.PRIORITY_CHANGED, **self.times(hours))

    def pause(self, hours: int) -> None:
        if self.state.get("breached"):
            return
        if self.state["clock"] is ClockState.RUNNING:
            self.change(clock=ClockState.PAUSED, remind_at=None, due_at=None)
        else:
            self.change(**self.times(hours))

    def wait(self, hours: int) -> None:
        self.now += HOUR * hours

    def follow(self, count: int) -> None:
        for one in self.log[self.followed : self.followed + count]:
            self.stay, _ = follow(self.stay, one)
        self.followed = min(len(self.log), self.followed + count)

    def fire(self, crashes: int) -> None:
        due = [c for c in self.stay.clocks.values() if c.state is ArmState.ARMED and c.fires_at <= self.now]
        self.signals += due
        if crashes % 3:
            for clock in due:
                self.stay = fired(self.stay, clock.kind)

    def hear(self, count: int) -> None:
        arriving, self.signals = self.signals[:count], self.signals[count:]
        for clock in arriving:
            if clock.signal_id not in self.seen:
                self.seen.add(clock.signal_id)
                self._apply(clock)

    def _apply(self, clock: SlaClock) -> None:
        current = (self.state["stage_entry"], self.state["clock"], self.state["due_at"])
        if current != (clock.stage_entry, ClockState.RUNNING, clock.due_at) or self.state.get("breached"):
            return
        if (clock.stage_entry, clock.kind) in self.told:
            # the stager remembers whether it reminded in this stay, as it does a breach
            return
        self.told.append((clock.stage_entry, clock.kind))
        if clock.kind is BREACH and self.state["due_at"] > self.now:
            self.early.append(clock)
        if clock.kind is BREACH:
            self.change(ChangeKind.BREACHED, breached=True)
        else:
            self.change(ChangeKind.REMINDED)

    def settle(self) -> None:
        for _ in range(6):
            self.follow(1000)
            self.fire(1)
            self.hear(1000)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "move",
                "reprioritise",
                "reprioritise",
                "pause",
                "wait",
                "wait",
                "follow",
                "follow",
                "fire",
                "fire",
                "hear",
            ]
        ),
        st.integers(1, 9),
    ),
    max_size=60,
)


@settings(max_examples=400)
@given(STEPS)
def test_whatever_overtakes_what_every_overdue_stay_breaches_once_and_never_early(steps: list[tuple[str, int]]) -> None:
    together = Together()
    for name, number in steps:
        getattr(together, name)(number)

    together.now += timedelta(days=30)
    together.settle()

    assert not together.early
    assert len(together.told) == len(set(together.told))
    if together.state["clock"] is ClockState.RUNNING:
        assert (together.state["stage_entry"], BREACH) in together.told
