"""Random lives of referrals: steps that hypothesis draws and that are played against whatever state they meet."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from schemas.events import ReferralCommanded, ReferralMatched
from schemas.vocabulary import (
    AppointmentStatus,
    AttemptOutcome,
    CommandAction,
    MatchKind,
    MissingItem,
    Priority,
    SignalKind,
    Stage,
)
from services.stager.rules.referral import Referral, Task
from services.stager.rules.stage_table import StageTable
from services.stager.rules.transitions import Input
from tests.support.stager import FRIDAY, STAFF, command, match, signal

ITEMS = (MissingItem.DATE_OF_BIRTH, MissingItem.CALL_BACK, MissingItem.READABLE_DOCUMENT)


@dataclass(frozen=True)
class Step:
    """One thing that may happen to one of the referrals."""

    kind: str  #: an action, `forward` for a move along the main line, `match`, `corrected`, `reminder` or `breach`
    referral: int  #: which referral
    user: str
    pick: int  #: chooses among what is possible: a target stage, a task, a reason code
    minutes: int  #: time that passes before
    is_stale: bool  #: made against the version before


KINDS = (
    *CommandAction,
    *["forward"] * 8,
    *[CommandAction.MOVE] * 4,
    *[CommandAction.RECORD_APPOINTMENT] * 2,
    "match",
    "corrected",
    "reminder",
    "breach",
    "breach",
)


def steps(*, referrals: int = 1, min_size: int = 12, max_size: int = 40) -> st.SearchStrategy[list[Step]]:
    """Return a strategy of lives."""
    one = st.builds(
        Step,
        kind=st.sampled_from(KINDS),
        referral=st.integers(1, referrals),
        user=st.sampled_from([*STAFF, *["sue"] * 8]),
        pick=st.integers(0, 1000),
        minutes=st.integers(0, 3000),
        is_stale=st.integers(0, 9).map(lambda number: number == 0),
    )
    # hypothesis draws lists little longer than they must be, so lives also begin somewhere along the main line
    beginning = st.integers(0, 5 * referrals).map(lambda count: [forward(n % referrals + 1) for n in range(count)])
    return st.builds(list.__add__, beginning, st.lists(one, min_size=min_size, max_size=max_size))


def forward(referral: int) -> Step:
    """Return a supervisor's move along the main line."""
    return Step(kind="forward", referral=referral, user="sue", pick=1, minutes=60, is_stale=False)


def input_of(
    step: Step, number: int, now: datetime, table: StageTable, referral: Referral | None, tasks: tuple[Task, ...]
) -> Input:
    """Return the input that a step is in the state it meets; the number-th of its life."""
    if step.kind in ("match", "corrected") or referral is None:
        return _match(step, number, now)
    if step.kind in ("reminder", "breach"):
        entry = referral.stage_entry - step.is_stale
        return signal(referral, SignalKind(step.kind), stage_entry=entry, event_id=f"signal-{number}")
    return _command(step, number, now, table, referral, tasks)


def _match(step: Step, number: int, now: datetime) -> ReferralMatched:
    kind = MatchKind.CORRECTED if step.kind == "corrected" else MatchKind.RECEIVED
    items = ITEMS[: step.pick % 4] if step.pick % 3 else ()
    return match(step.referral, kind=kind, missing_items=items, at=now, event_id=f"match-{number}")


def _command(
    step: Step, number: int, now: datetime, table: StageTable, referral: Referral, tasks: tuple[Task, ...]
) -> ReferralCommanded:
    action = CommandAction.MOVE if step.kind == "forward" else CommandAction(step.kind)
    fields: dict[str, Any] = {"at": now, "expected_version": referral.sequence - 1 if step.is_stale else None}
    more = _forward if step.kind == "forward" else _FIELDS.get(action)
    fields |= more(step, table, referral, tasks) if more else {}
    return command(referral.referral_id, step.user, action, command_id=f"{number}", **fields)


def _targets(step: Step, table: StageTable, referral: Referral, tasks: tuple[Task, ...]) -> dict[str, Any]:
    targets = table.targets(referral.stage)
    if not targets or step.pick % 17 == 0:
        return {"to_stage": list(Stage)[step.pick % len(Stage)]}
    target = targets[step.pick % len(targets)]
    transition = table.transitions[referral.stage, target]
    codes = table.codes(transition.reasons) if transition.reasons else ()
    if transition.waived_by and referral.missing_items:
        codes = table.codes(transition.waived_by)
    return {
        "to_stage": target,
        "reason_code": codes[step.pick % len(codes)] if codes else None,
        "comment": "because",
        "appointment_at": FRIDAY + timedelta(days=step.pick % 30) if step.pick % 2 else None,
    }


def _forward(step: Step, table: StageTable, referral: Referral, tasks: tuple[Task, ...]) -> dict[str, Any]:
    line = (*table.main_line, Stage.COMPLETED)
    place = line.index(referral.stage) if referral.stage in line else table.position(referral.interrupted_stage) - 1
    return {"to_stage": line[min(place + 1, len(line) - 1)], "appointment_at": FRIDAY + timedelta(days=30)}


def _closing(step: Step, table: StageTable, referral: Referral, tasks: tuple[Task, ...]) -> dict[str, Any]:
    return {"reason_code": "patient_declined" if step.pick % 2 else "other", "comment": "because"}


def _reopening(step: Step, table: StageTable, referral: Referral, tasks: tuple[Task, ...]) -> dict[str, Any]:
    return {"reason_code": "closed_by_mistake"}


def _completing(step: Step, table: StageTable, referral: Referral, tasks: tuple[Task, ...]) -> dict[str, Any]:
    return {"task_id": tasks[step.pick % len(tasks)].task_id if tasks else "none"}


def _appointment(step: Step, table: StageTable, referral: Referral, tasks: tuple[Task, ...]) -> dict[str, Any]:
    return {
        "appointment_id": f"appointment-{step.pick % 2}",
        "appointment_status": list(AppointmentStatus)[step.pick % 5],
        "appointment_at": FRIDAY + timedelta(days=step.pick % 9),
        "appointment_version": step.pick % 7,
    }


Fields = Callable[[Step, StageTable, Referral, tuple[Task, ...]], dict[str, Any]]
_FIELDS: dict[CommandAction, Fields] = {
    CommandAction.MOVE: _targets,
    CommandAction.CLOSE: _closing,
    CommandAction.REOPEN: _reopening,
    CommandAction.COMPLETE_TASK: _completing,
    CommandAction.RECORD_APPOINTMENT: _appointment,
    CommandAction.CHANGE_PRIORITY: lambda step, *_: {"priority": list(Priority)[step.pick % 4]},
    CommandAction.RECORD_ATTEMPT: lambda step, *_: {"outcome": list(AttemptOutcome)[step.pick % 4]},
    CommandAction.ADD_NOTE: lambda step, *_: {"comment": "noted"},
}
