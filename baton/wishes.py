"""What a person wants of a referral, as the board's API takes it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Body = dict[str, object]


class Action(StrEnum):
    """What a person can ask for."""

    MOVE = "move"
    CLAIM = "claim"
    RELEASE = "release"
    COMPLETE = "complete"
    ATTEMPT = "attempt"
    CLOSE = "close"
    REOPEN = "reopen"
    APPOINTMENT = "appointment"
    PRIORITY = "priority"
    NOTE = "note"
    CORRECT = "correct"


class Unusable(ValueError):
    """The wish lacks something or contradicts itself; the text says what."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """The words of one command line; which of them count depends on the action."""

    action: Action
    value: str | None = None
    to: str | None = None
    reason: str | None = None
    comment: str | None = None
    type: str | None = None
    outcome: str | None = None
    id: str | None = None
    status: str | None = None
    at: str | None = None
    version: int | None = None
    given_name: str | None = None
    last_name: str | None = None
    birth_date: str | None = None
    sex: str | None = None
    phone: str | None = None
    mrn: str | None = None
    specialty: str | None = None
    referring_provider: str | None = None


CORRECTED = ("given_name", "last_name", "birth_date", "sex", "phone", "mrn", "specialty", "referring_provider")
_APPOINTMENT_WORDS = {"no_show": "noshow", "completed": "fulfilled", "canceled": "cancelled"}


def command_body(wish: Wish, referral: Mapping[str, Any]) -> Body:
    """Return the body of a command.

    Raises:
        Unusable: something is missing for this action.
    """
    body = {"comment": wish.comment, "reason_code": wish.reason} | _BODIES[wish.action](wish, referral)
    if wish.action is not Action.APPOINTMENT:
        # What a scheduling system tells is a fact and goes by that system's own order of changes.
        body["expected_version"] = wish.version if wish.version is not None else referral["version"]
    return {name: value for name, value in body.items() if value is not None}


def correction_body(wish: Wish, referral: Mapping[str, Any]) -> Body:
    """Return the body of a correction of the referral's patient.

    Raises:
        Unusable: nothing is corrected.
    """
    stated = {name: getattr(wish, name) for name in CORRECTED if getattr(wish, name) is not None}
    if wish.reason is not None:
        stated["reason"] = wish.reason
    if not stated:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in (*CORRECTED, "reason"))
        raise Unusable(f"correct needs at least one of {options}")
    comment = {"comment": wish.comment} if wish.comment is not None else {}
    return {"referral_id": referral["referral_id"], **stated, **comment}


def task_of(wish: Wish, referral: Mapping[str, Any]) -> str:
    """Return the open task that is meant: by id, by type, or the only one.

    Raises:
        Unusable: none or several are meant.
    """
    tasks = referral["open_tasks"]
    if wish.type is not None:
        tasks = [task for task in tasks if task["type"].casefold() == wish.type.casefold()]
    elif wish.value is not None:
        return wish.value
    if len(tasks) != 1:
        known = "; ".join(f"{task['task_id']} {task['type']}" for task in referral["open_tasks"]) or "none"
        raise Unusable(f"say which task by its id or --type; open tasks: {known}")
    return str(tasks[0]["task_id"])


def in_words(text: str) -> str:
    """Return a word of the vocabulary however it was typed."""
    return re.sub(r"[\s-]+", "_", text.strip().lower())


def _move(wish: Wish, _referral: Mapping[str, Any]) -> Body:
    return {"action": "move", "to_stage": in_words(_needed(wish.to or wish.value, "--to STAGE"))}


def _complete(wish: Wish, referral: Mapping[str, Any]) -> Body:
    return {"action": "complete_task", "task_id": task_of(wish, referral)}


def _attempt(wish: Wish, _referral: Mapping[str, Any]) -> Body:
    return {"action": "record_attempt", "outcome": in_words(_needed(wish.outcome or wish.value, "--outcome"))}


def _close(wish: Wish, _referral: Mapping[str, Any]) -> Body:
    return {"action": "close", "reason_code": _needed(wish.reason, "--reason CODE")}


def _reopen(wish: Wish, _referral: Mapping[str, Any]) -> Body:
    stage = wish.to or wish.value
    return {"action": "reopen", "to_stage": in_words(stage) if stage else None}


def _priority(wish: Wish, _referral: Mapping[str, Any]) -> Body:
    return {"action": "change_priority", "priority": in_words(_needed(wish.value or wish.to, "a priority"))}


def _note(wish: Wish, _referral: Mapping[str, Any]) -> Body:
    return {"action": "add_note", "comment": _needed(wish.comment or wish.value, "--comment TEXT")}


def _appointment(wish: Wish, _referral: Mapping[str, Any]) -> Body:
    status = in_words(_needed(wish.status or wish.value, "--status"))
    return {
        "action": "record_appointment",
        "appointment_id": _needed(wish.id, "--id"),
        "appointment_status": _APPOINTMENT_WORDS.get(status, status),
        "appointment_at": wish.at,
        "appointment_version": wish.version,
    }


_BODIES: dict[Action, Callable[[Wish, Mapping[str, Any]], Body]] = {
    Action.MOVE: _move,
    Action.CLAIM: lambda _wish, _referral: {"action": "claim"},
    Action.RELEASE: lambda _wish, _referral: {"action": "release"},
    Action.COMPLETE: _complete,
    Action.ATTEMPT: _attempt,
    Action.CLOSE: _close,
    Action.REOPEN: _reopen,
    Action.APPOINTMENT: _appointment,
    Action.PRIORITY: _priority,
    Action.NOTE: _note,
}


def _needed(value: str | None, what: str) -> str:
    if not value:
        raise Unusable(f"this action needs {what}")
    return value
