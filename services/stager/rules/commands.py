"""What people and connected systems ask for (R21)."""

from collections.abc import Callable, Mapping

from schemas.events import ReferralCommanded
from schemas.vocabulary import ChangeKind, CommandAction, Stage
from services.stager.rules.appointments import STANDING, record_appointment
from services.stager.rules.arrival import advance_when_complete
from services.stager.rules.decision import NoChange, Refusal, Rule
from services.stager.rules.draft import Draft
from services.stager.rules.entering import change_priority, enter_stage
from services.stager.rules.moves import check_move, role_list
from services.stager.rules.referral import Task, TaskStatus
from services.stager.rules.rulebook import Rulebook

Answer = Refusal | NoChange | None

#: what makes sense for a referral that nobody works on any more
ALSO_WHEN_CLOSED = frozenset({CommandAction.REOPEN, CommandAction.RECORD_APPOINTMENT, CommandAction.ADD_NOTE})
NEXT_STEP = "decide_next_step"


def apply_command(book: Rulebook, draft: Draft, command: ReferralCommanded) -> Answer:
    """Do on the draft what a command asks, or return why not."""
    if not book.stage(draft.referral.stage).is_open and command.action not in ALSO_WHEN_CLOSED:
        return Refusal(Rule.REFERRAL_CLOSED, f"it is {draft.referral.stage}; reopen it first")
    allowed = book.table.actions.get(command.action)
    if allowed is not None and command.by_role not in allowed[draft.referral.stage]:
        roles = role_list(allowed[draft.referral.stage])
        return Refusal(Rule.ROLE_NOT_ALLOWED, f"{command.action} in {draft.referral.stage} is for {roles}")
    return ACTIONS[command.action](book, draft, command)


def _move(book: Rulebook, draft: Draft, command: ReferralCommanded) -> Answer:
    if command.to_stage is None:
        return _incomplete("to_stage")
    return _move_to(book, draft, command, command.to_stage)


def _close(book: Rulebook, draft: Draft, command: ReferralCommanded) -> Answer:
    return _move_to(book, draft, command, book.table.closes_to)


def _reopen(book: Rulebook, draft: Draft, command: ReferralCommanded) -> Answer:
    rule = book.stage(draft.referral.stage)
    if rule.is_open:
        return Refusal(Rule.REFERRAL_NOT_CLOSED, f"it is in {rule.stage}")
    target = command.to_stage or rule.reopens_to
    return _incomplete("to_stage") if target is None else _move_to(book, draft, command, target)


def _move_to(book: Rulebook, draft: Draft, command: ReferralCommanded, target: Stage) -> Answer:
    transition = check_move(book, draft.referral, target, command)
    if isinstance(transition, Refusal):
        return transition
    if book.stage(target).clock_from_appointment:
        _take_appointment(draft, command)
    enter_stage(
        book,
        draft,
        target,
        completes_tasks=transition.completes_tasks,
        is_rework=transition.is_rework or _goes_back_from_exception(book, draft, target),
        reason_code=command.reason_code,
        comment=command.comment,
    )
    return None


def _take_appointment(draft: Draft, command: ReferralCommanded) -> None:
    """Take the time that a person gives; the appointment shown stays only if it stands and is at that time."""
    shown = draft.referral
    starts_at = command.appointment_at or shown.appointment_at
    if shown.appointment_status not in STANDING or starts_at != shown.appointment_at:
        draft.set(appointment_at=starts_at, appointment_id=None, appointment_status=None)


def _goes_back_from_exception(book: Rulebook, draft: Draft, target: Stage) -> bool:
    table, referral = book.table, draft.referral
    if not table.is_exception(referral.stage) or target not in table.main_line:
        return False
    return table.position(target) < table.position(referral.interrupted_stage)


def _claim(book: Rulebook, draft: Draft, command: ReferralCommanded) -> Answer:
    owner = draft.referral.owner_user
    is_taken = owner is not None and command.by_role not in book.table.every_move
    if owner == command.by_user or is_taken:
        return Refusal(Rule.ALREADY_CLAIMED, f"{owner} has it")
    _hand_to(draft, command.by_user)
    return None


def _release(book: Rulebook, draft: Draft, command: ReferralCommanded) -> Answer:
    owner = draft.referral.owner_user
    if owner is None:
        return Refusal(Rule.NOT_CLAIMED, "nobody has it")
    if owner != command.by_user and command.by_role not in book.table.every_move:
        return Refusal(Rule.NOT_CLAIMED, f"{owner} has it")
    _hand_to(draft, None)
    return None


def _hand_to(draft: Draft, user: str | None) -> None:
    for task in draft.open_tasks():
        if task.owner_queue == draft.referral.owner_queue:
            draft.put_task(task.changed(owner_user=user))
    draft.record(ChangeKind.OWNER_CHANGED, owner_user=user)


def _complete_task(book: Rulebook, draft: Draft, command: ReferralCommanded) -> Answer:
    if command.task_id is None:
        return _incomplete("task_id")
    task = draft.task(command.task_id)
    if task is None:
        return Refusal(Rule.TASK_NOT_OPEN, "no open task of this referral has this id")
    refused = _refuse_completion(book, draft, task, command)
    if refused is None:
        _finish(book, draft, task, command)
    return refused


def _refuse_completion(book: Rulebook, draft: Draft, task: Task, command: ReferralCommanded) -> Refusal | None:
    template = book.table.tasks[task.template]
    roles = book.table.teams[template.team or book.stage(draft.referral.stage).team]
    if command.by_role not in roles:
        return Refusal(Rule.ROLE_NOT_ALLOWED, f"this task is for {role_list(roles)}")
    if template.closed_by_moving:
        return Refusal(Rule.MOVE_INSTEAD, f"it ends by moving the referral on from {draft.referral.stage}")
    unsettled = [item for item in draft.referral.missing_items if item not in template.settles]
    if template.settles and unsettled:
        return Refusal(Rule.FIELDS_MISSING, f"still missing: {' '.join(unsettled)}")
    return None


def _finish(book: Rulebook, draft: Draft, task: Task, command: ReferralCommanded) -> None:
    draft.finish_task(task, TaskStatus.DONE)
    referral = draft.referral
    if book.table.tasks[task.template].settles:
        settled = dict.fromkeys((*referral.settled_items, *referral.missing_items))
        draft.set(settled_items=tuple(settled), missing_items=())
    leaves_by_itself = book.stage(referral.stage).when_complete is not None and not draft.referral.missing_items
    if not leaves_by_itself and not _has_work_left(draft):
        # the work is done but the referral still stands here: that must not look like nothing to do (R2)
        draft.create_task(book.table.tasks[NEXT_STEP], book.stage(referral.stage).team, due_at=task.due_at)
    draft.record(ChangeKind.TASK_COMPLETED, task_id=task.task_id, comment=command.comment)
    advance_when_complete(book, draft)


def _has_work_left(draft: Draft) -> bool:
    return any(task.owner_queue == draft.referral.owner_queue for task in draft.open_tasks())


def _record_attempt(book: Rulebook, draft: Draft, command: ReferralCommanded) -> Answer:
    if command.outcome is None:
        return _incomplete("outcome")
    draft.record(ChangeKind.ATTEMPT_RECORDED, outcome=command.outcome, comment=command.comment, task_id=command.task_id)
    return None


def _change_priority(book: Rulebook, draft: Draft, command: ReferralCommanded) -> Answer:
    if command.priority is None:
        return _incomplete("priority")
    if command.priority is draft.referral.priority:
        return Refusal(Rule.PRIORITY_UNCHANGED, f"it is {command.priority} already")
    change_priority(book, draft, command.priority)
    draft.record(ChangeKind.PRIORITY_CHANGED, comment=command.comment)
    return None


def _add_note(book: Rulebook, draft: Draft, command: ReferralCommanded) -> Answer:
    if not (command.comment or "").strip():
        return _incomplete("comment")
    draft.record(ChangeKind.NOTE_ADDED, comment=command.comment)
    return None


def _incomplete(name: str) -> Refusal:
    return Refusal(Rule.INCOMPLETE_COMMAND, f"{name} is missing")


ACTIONS: Mapping[CommandAction, Callable[[Rulebook, Draft, ReferralCommanded], Answer]] = {
    CommandAction.MOVE: _move,
    CommandAction.CLAIM: _claim,
    CommandAction.RELEASE: _release,
    CommandAction.COMPLETE_TASK: _complete_task,
    CommandAction.RECORD_ATTEMPT: _record_attempt,
    CommandAction.CLOSE: _close,
    CommandAction.REOPEN: _reopen,
    CommandAction.RECORD_APPOINTMENT: record_appointment,
    CommandAction.CHANGE_PRIORITY: _change_priority,
    CommandAction.ADD_NOTE: _add_note,
}
