"""When a stage is due: started, resumed and recomputed without losing the time already used (R22, R23)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.vocabulary import ClockState, Priority
from services.stager.rules.referral import Referral
from services.stager.rules.rulebook import Rulebook
from services.stager.rules.stage_table import StageRule


@dataclass(frozen=True, kw_only=True, slots=True)
class StageClock:
    """The time of one stay in a stage."""

    state: ClockState
    started_at: datetime | None
    used_s: float
    remind_at: datetime | None
    due_at: datetime | None
    #: when the stage's tasks are due; also set while the clock is paused
    tasks_due_at: datetime | None


def start_clock(
    book: Rulebook, rule: StageRule, priority: Priority, *, at: datetime, used_s: float, appointment_at: datetime | None
) -> StageClock:
    """Return the clock of a stage entered or resumed at an instant with some of its time already used."""
    state = book.policy.clock_of(rule)
    if state is ClockState.STOPPED:
        return StageClock(state=state, started_at=None, used_s=used_s, remind_at=None, due_at=None, tasks_due_at=None)
    if state is ClockState.PAUSED:
        follow_up_at = book.calendar.add(at, book.policy.follow_up_after(rule, priority))
        return StageClock(
            state=state, started_at=None, used_s=used_s, remind_at=None, due_at=None, tasks_due_at=follow_up_at
        )
    if rule.clock_from_appointment and appointment_at is not None:
        at = max(at, appointment_at)
    return _running(book, rule, priority, started_at=at, used_s=used_s)


def _running(book: Rulebook, rule: StageRule, priority: Priority, *, started_at: datetime, used_s: float) -> StageClock:
    allowed = book.policy.duration(rule, priority)
    left = max(allowed - timedelta(seconds=used_s), timedelta())
    due_at = book.calendar.add(started_at, left)
    return StageClock(
        state=ClockState.RUNNING,
        started_at=started_at,
        used_s=used_s,
        remind_at=_remind_at(book, allowed, left, started_at),
        due_at=due_at,
        tasks_due_at=due_at,
    )


def _remind_at(book: Rulebook, allowed: timedelta, left: timedelta, started_at: datetime) -> datetime | None:
    lead = book.policy.reminder_lead
    # a stage shorter than the lead would be reminded of the moment it is entered: noise (R23)
    if allowed <= lead:
        return None
    return book.calendar.add(started_at, max(left - lead, timedelta()))


def used_until(book: Rulebook, referral: Referral, at: datetime) -> float:
    """Return the seconds of its stage that a referral has used at an instant."""
    if referral.clock_started_at is None:
        return referral.used_s
    return referral.used_s + book.calendar.between(referral.clock_started_at, at).total_seconds()


def recompute(book: Rulebook, referral: Referral, priority: Priority, *, at: datetime) -> StageClock:
    """Return the clock of the current stay under another priority and the rules of now; the time used stays used."""
    rule = book.stage(referral.stage)
    if referral.clock_started_at is None or book.policy.clock_of(rule) is not ClockState.RUNNING:
        used_s = used_until(book, referral, at)
        return start_clock(book, rule, priority, at=at, used_s=used_s, appointment_at=referral.appointment_at)
    return _running(book, rule, priority, started_at=referral.clock_started_at, used_s=referral.used_s)
