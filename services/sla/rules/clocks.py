"""What a change of a referral does to the clocks of its current stay in a stage (R22, R23).

A clock fires once a stay. The stager answers every signal it heard with a change of kind `reminded` or `breached`.
When the due time moves before that answer, the stager ignores a signal that is on its way (its due time is not the
referral's). So each new due time, and each end of a pause, is a round of its own with an id of its own: the inbox of
the stager must not take its signal for a repeat of the one it ignored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from schemas.events import ReferralChanged, SlaSignalled
from schemas.ids import named_id
from schemas.vocabulary import ChangeKind, ClockState, SignalKind, Stage


class ArmState(StrEnum):
    """Whether a clock can still fire."""

    ARMED = "armed"
    FIRED = "fired"
    CANCELLED = "cancelled"  #: the referral left the stage, or its time stopped
    SUSPENDED = "suspended"  #: the stage's time is paused


@dataclass(frozen=True, kw_only=True, slots=True)
class SlaClock:
    """One reminder or breach to come; field names are the column names."""

    network_id: str
    referral_id: str
    stage_entry: int
    kind: SignalKind
    clinic_id: str
    stage: Stage
    owner_queue: str
    fires_at: datetime
    due_at: datetime
    state: ArmState
    round: int = 0  #: how often it was armed again with another due time or after a pause
    is_heard: bool = False  #: whether the stager noted the reminder or breach
    signal_id: str
    sequence: int  #: the change that brought it into this state


Clocks = Mapping[SignalKind, SlaClock]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stay:
    """How far the changes of a referral were followed, and the clocks of its current stay."""

    sequence: int = 0
    stage_entry: int = 0
    clocks: Clocks = field(default_factory=dict)


def follow(stay: Stay, change: ReferralChanged) -> tuple[Stay, tuple[SlaClock, ...]]:
    """Return the stay after a change and the clocks that differ; a change that was overtaken does nothing."""
    if change.sequence <= stay.sequence:
        return stay, ()
    ended: list[SlaClock] = []
    clocks = stay.clocks
    if change.stage_entry != stay.stage_entry:
        ended = [_end(clock, change) for clock in clocks.values()]
        ended = [clock for clock in ended if clock != stay.clocks[clock.kind]]
        clocks = {}
    after = {kind: clock for kind in SignalKind if (clock := _advance(clocks.get(kind), change, kind)) is not None}
    touched = [clock for kind, clock in after.items() if clock != clocks.get(kind)]
    new_stay = Stay(sequence=change.sequence, stage_entry=change.stage_entry, clocks=after)
    return new_stay, (*ended, *touched)


def signal_id_of(referral_id: str, stage_entry: int, kind: SignalKind, *, round_number: int = 0) -> str:
    """Return the id of a clock's signal, the same each time it is sent."""
    rounds = (str(round_number),) if round_number else ()
    return named_id("signal", referral_id, str(stage_entry), kind, *rounds)


def signal_of(clock: SlaClock, *, fired_at: datetime) -> SlaSignalled:
    """Return what a clock announces when it fires."""
    return SlaSignalled(
        event_id=clock.signal_id,
        referral_id=clock.referral_id,
        network_id=clock.network_id,
        clinic_id=clock.clinic_id,
        kind=clock.kind,
        stage=clock.stage,
        stage_entry=clock.stage_entry,
        owner_queue=clock.owner_queue,
        fires_at=clock.fires_at,
        fired_at=fired_at,
        due_at=clock.due_at,
    )


def _advance(clock: SlaClock | None, change: ReferralChanged, kind: SignalKind) -> SlaClock | None:
    if clock is None:
        clock = _fresh(change, kind)
        if clock is None:
            return None
    if clock.is_heard:
        return clock
    if _tells_heard(change, kind):
        return replace(clock, state=ArmState.FIRED, is_heard=True, sequence=change.sequence)
    if kind is SignalKind.REMINDER and change.breached:
        return _end(clock, change)
    return _rearm(clock, change)


def _fresh(change: ReferralChanged, kind: SignalKind) -> SlaClock | None:
    fires_at = _fires_at(change, kind)
    if change.clock is not ClockState.RUNNING or fires_at is None or change.due_at is None:
        return None
    return SlaClock(
        network_id=change.network_id,
        referral_id=change.referral_id,
        stage_entry=change.stage_entry,
        kind=kind,
        clinic_id=change.clinic_id,
        stage=change.stage,
        owner_queue=change.owner_queue,
        fires_at=fires_at,
        due_at=change.due_at,
        state=ArmState.ARMED,
        signal_id=signal_id_of(change.referral_id, change.stage_entry, kind),
        sequence=change.sequence,
    )


def _rearm(clock: SlaClock, change: ReferralChanged) -> SlaClock:
    fires_at = _fires_at(change, clock.kind)
    if change.clock is ClockState.PAUSED:
        return _into(clock, ArmState.SUSPENDED, change)
    if change.clock is ClockState.STOPPED or fires_at is None or change.due_at is None:
        return _into(clock, ArmState.CANCELLED, change)
    is_same_round = clock.state in (ArmState.ARMED, ArmState.FIRED) and clock.due_at == change.due_at
    if is_same_round and clock.state is ArmState.FIRED:
        return clock
    armed = replace(
        clock, state=ArmState.ARMED, fires_at=fires_at, due_at=change.due_at, owner_queue=change.owner_queue
    )
    if not is_same_round:
        armed = _in_next_round(armed)
    return clock if armed == clock else replace(armed, sequence=change.sequence)


def _in_next_round(clock: SlaClock) -> SlaClock:
    round_number = clock.round + 1
    signal_id = signal_id_of(clock.referral_id, clock.stage_entry, clock.kind, round_number=round_number)
    return replace(clock, round=round_number, signal_id=signal_id)


def _end(clock: SlaClock, change: ReferralChanged) -> SlaClock:
    return clock if clock.state is ArmState.FIRED else _into(clock, ArmState.CANCELLED, change)


def _into(clock: SlaClock, state: ArmState, change: ReferralChanged) -> SlaClock:
    return clock if clock.state is state else replace(clock, state=state, sequence=change.sequence)


def _fires_at(change: ReferralChanged, kind: SignalKind) -> datetime | None:
    return change.remind_at if kind is SignalKind.REMINDER else change.due_at


def _tells_heard(change: ReferralChanged, kind: SignalKind) -> bool:
    return change.breached if kind is SignalKind.BREACH else change.kind is ChangeKind.REMINDED
