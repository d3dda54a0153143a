"""Entering a stage: owner, clock and tasks in one step (R20)."""

from typing import Any

from schemas.ids import queue_of
from schemas.vocabulary import ChangeKind, MissingItem, Priority, Stage
from services.stager.rules.draft import Draft
from services.stager.rules.referral import Referral, TaskStatus
from services.stager.rules.rulebook import Rulebook
from services.stager.rules.stage_clock import StageClock, recompute, start_clock, used_until
from services.stager.rules.stage_table import StageRule


def enter_stage(
    book: Rulebook,
    draft: Draft,
    target: Stage,
    *,
    completes_tasks: bool,
    is_rework: bool = False,
    reason_code: str | None = None,
    comment: str | None = None,
) -> None:
    """Move a referral into a stage: end the tasks of the old one, hand it to the new team, start its clock."""
    before = draft.referral
    at = draft.at
    for task in draft.open_tasks():
        draft.finish_task(task, TaskStatus.DONE if completes_tasks else TaskStatus.CANCELLED)
    clock = start_clock(
        book,
        book.stage(target),
        before.priority,
        at=at,
        used_s=_time_already_used(book, before, target),
        appointment_at=before.appointment_at,
    )
    draft.set(
        **_interrupted(book, draft, target, is_rework=is_rework),
        **_arrival(book, before, book.stage(target), clock),
        stage_entry=before.stage_entry + 1,
        stage_entered_at=at,
        reason_code=reason_code,
        rework_count=before.rework_count + is_rework,
        **_rules_of_the_time(book),
    )
    create_stage_tasks(book, draft, clock)
    draft.record(
        ChangeKind.STAGE_CHANGED,
        previous_stage=before.stage,
        reason_code=reason_code,
        comment=comment,
        is_rework=is_rework,
    )


def create_stage_tasks(book: Rulebook, draft: Draft, clock: StageClock) -> None:
    """Open the tasks of the stage that a referral is in."""
    rule = book.stage(draft.referral.stage)
    for name in _task_names(rule, draft.referral.missing_items):
        draft.create_task(book.table.tasks[name], rule.team, due_at=clock.tasks_due_at)


def change_priority(book: Rulebook, draft: Draft, priority: Priority) -> None:
    """Give a referral another priority and its stage and tasks the due time that follows."""
    clock = recompute(book, draft.referral, priority, at=draft.at)
    old_due = draft.referral.due_at
    for task in draft.open_tasks():
        if task.due_at == old_due or old_due is None:
            draft.put_task(task.changed(due_at=clock.tasks_due_at))
    draft.set(**_clock_fields(clock), priority=priority, **_rules_of_the_time(book))


def _rules_of_the_time(book: Rulebook) -> dict[str, Any]:
    # whoever sets a clock sets these too: they say by which rules it was set
    return {"stage_table_version": book.table.version, "sla_policy": book.policy.label}


def _clock_fields(clock: StageClock) -> dict[str, Any]:
    return {
        "clock": clock.state,
        "clock_started_at": clock.started_at,
        "used_s": clock.used_s,
        "remind_at": clock.remind_at,
        "due_at": clock.due_at,
    }


def _arrival(book: Rulebook, before: Referral, rule: StageRule, clock: StageClock) -> dict[str, Any]:
    return {
        **_clock_fields(clock),
        "stage": rule.stage,
        "owner_queue": queue_of(before.network_id, before.clinic_id, rule.team),
        "owner_user": None,
        "waiting_on": rule.waiting_on,
        "reminded": False,
        "breached": False,
    }


def _time_already_used(book: Rulebook, before: Referral, target: Stage) -> float:
    """A stage that an exception interrupted goes on with the time it had left."""
    return before.interrupted_used_s if before.interrupted_stage is target else 0.0


def _interrupted(book: Rulebook, draft: Draft, target: Stage, *, is_rework: bool) -> dict[str, Any]:
    before = draft.referral
    # who is sent back starts over: there is no stage to go on with
    if not book.table.is_exception(target) or is_rework or not book.stage(before.stage).is_open:
        return {"interrupted_stage": None, "interrupted_used_s": 0.0}
    if book.table.is_exception(before.stage):
        return {}
    return {"interrupted_stage": before.stage, "interrupted_used_s": used_until(book, before, draft.at)}


def _task_names(rule: StageRule, missing_items: tuple[MissingItem, ...]) -> tuple[str, ...]:
    special = tuple(rule.task_for_missing[item] for item in missing_items if item in rule.task_for_missing)
    return special or rule.tasks
