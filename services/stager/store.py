"""The only SQL of the stager: one statement per table and batch."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

import orjson
import psycopg

from schemas.vocabulary import (
    AppointmentStatus,
    ChangeKind,
    Channel,
    ClockState,
    MissingItem,
    Priority,
    Stage,
    WaitingOn,
)
from services.stager.rules.decision import Change, PastChange
from services.stager.rules.referral import Appointment, Referral, Task, TaskStatus
from services.stager.rules.transitions import TOLD_CHANGES
from services.stager.working_set import WorkingSet

Row = tuple[Any, ...]
T = TypeVar("T")
W = TypeVar("W", bound=StrEnum)


@cache
def statement(name: str) -> bytes:
    """Return a statement of this service by its file name."""
    return files("services.stager").joinpath("sql", f"{name}.sql").read_bytes()


def load(connection: psycopg.Connection, referral_ids: Iterable[str], known: Mapping[str, int]) -> WorkingSet:
    """Lock the referrals of a batch in the order of their ids and read them with their open tasks.

    `known` holds the oldest version that a command of the batch was made against, by referral.
    """
    ids = sorted(set(referral_ids))
    working = WorkingSet()
    for row in connection.execute(statement("lock_referrals"), [ids]).fetchall():
        referral = _referral(row)
        working.referrals[referral.referral_id] = referral
    found = list(working.referrals)
    if found:
        for row in connection.execute(statement("open_tasks"), [found]).fetchall():
            task = _task(row)
            working.open_tasks[task.referral_id][task.task_id] = task
    _load_past(connection, working, known)
    return working


def save(connection: psycopg.Connection, working: WorkingSet) -> None:
    """Write everything a batch changed, set-wise."""
    _write(connection, "write_referrals", working.touched_referrals())
    _write(connection, "write_history", [_history_row(change) for change in working.changes])
    # in the order of ids, as the referrals: two writers never wait for each other
    tasks = sorted(working.touched_tasks.values(), key=lambda task: task.task_id)
    _write(connection, "write_tasks", tasks)
    _write(connection, "write_documents", list(working.documents.values()))
    _write(connection, "write_commands", working.answers)


def count_violations(connection: psycopg.Connection) -> int:
    """Return how many times an open referral lacks an owner, a time or a task (R4)."""
    row = connection.execute(statement("count_violations")).fetchone()
    return 0 if row is None else int(row[0])


def _write(connection: psycopg.Connection, name: str, rows: Sequence[object]) -> None:
    if rows:
        connection.execute(statement(name), [orjson.dumps(rows).decode()])


def _load_past(connection: psycopg.Connection, working: WorkingSet, known: Mapping[str, int]) -> None:
    stale = {
        referral_id: max(sequence, working.referrals[referral_id].sequence - TOLD_CHANGES)
        for referral_id, sequence in known.items()
        if referral_id in working.referrals and sequence < working.referrals[referral_id].sequence
    }
    if not stale:
        return
    rows = connection.execute(statement("past_changes"), [list(stale), list(stale.values())]).fetchall()
    for referral_id, sequence, kind, stage, actor in rows:
        working.past[referral_id].append(PastChange(sequence, ChangeKind(kind), Stage(stage), actor))


def _history_row(change: Change) -> Mapping[str, object]:
    after, cause = change.after, change.cause
    return {
        "network_id": after.network_id,
        "referral_id": after.referral_id,
        "sequence": after.sequence,
        "clinic_id": after.clinic_id,
        "kind": change.kind,
        "from_stage": change.previous_stage,
        "to_stage": after.stage,
        "stage_entry": after.stage_entry,
        "stage_entered_at": after.stage_entered_at,
        "waiting_on": after.waiting_on,
        "owner_queue": after.owner_queue,
        "owner_user": after.owner_user,
        "clock": after.clock,
        "due_at": after.due_at,
        "priority": after.priority,
        "actor_type": cause.actor_type,
        "actor": cause.actor,
        "actor_role": cause.actor_role,
        "reason_code": change.reason_code,
        "comment": change.comment,
        "outcome": change.outcome,
        "task_id": change.task_id,
        "breached": after.breached,
        "is_rework": change.is_rework,
        "effective_at": cause.at,
        "recorded_at": cause.recorded_at,
        "cause_id": cause.cause_id,
        "stage_table_version": after.stage_table_version,
    }


def _word(kind: type[W]) -> Callable[[str], W]:
    # a lookup takes a tenth of the time of calling the enumeration
    return {member.value: member for member in kind}.__getitem__


def _optional(convert: Callable[[Any], T]) -> Callable[[Any], T | None]:
    return lambda value: None if value is None else convert(value)


def _items(values: Iterable[str]) -> tuple[MissingItem, ...]:
    return tuple(map(MissingItem, values))


def _appointments(values: Iterable[Mapping[str, Any]]) -> tuple[Appointment, ...]:
    return tuple(
        Appointment(
            appointment_id=value["appointment_id"],
            status=AppointmentStatus(value["status"]),
            starts_at=_optional(datetime.fromisoformat)(value["starts_at"]),
            version=value["version"],
            told_at=datetime.fromisoformat(value["told_at"]),
            starts_version=value["starts_version"],
            starts_told_at=_optional(datetime.fromisoformat)(value["starts_told_at"]),
        )
        for value in values
    )


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "channel": _word(Channel),
    "priority": _word(Priority),
    "stage": _word(Stage),
    "clock": _word(ClockState),
    "waiting_on": _word(WaitingOn),
    "missing_items": _items,
    "settled_items": _items,
    "interrupted_stage": _optional(Stage),
    "appointment_status": _optional(AppointmentStatus),
    "appointments": _appointments,
    "status": _word(TaskStatus),
}


def _reader(kind: type[T]) -> Callable[[Row], T]:
    """Return what turns a row into a record; the statements name their columns in the order of the fields."""
    names = tuple(item.name for item in fields(kind))  # type: ignore[arg-type]  # a dataclass
    converted = tuple((name, _CONVERTERS[name]) for name in names if name in _CONVERTERS)

    def read(row: Row) -> T:
        values = dict(zip(names, row, strict=True))
        for name, convert in converted:
            values[name] = convert(values[name])
        # past the constructor, which would set 40 fields one by one
        record = object.__new__(kind)
        record.__dict__.update(values)
        return record

    return read


_referral: Callable[[Row], Referral] = _reader(Referral)
_task: Callable[[Row], Task] = _reader(Task)
