"""A referral while one input is decided: every change lands on the working copy and becomes a fact in order."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from schemas.ids import named_id, queue_of
from schemas.vocabulary import AttemptOutcome, ChangeKind, Stage, Team
from services.stager.rules.decision import Cause, Change, Decision
from services.stager.rules.referral import DocumentPointer, Referral, Task, TaskStatus
from services.stager.rules.stage_table import TaskTemplate


class Draft:
    """The working copy of one decision."""

    def __init__(self, referral: Referral, tasks: Iterable[Task], cause: Cause) -> None:
        self.referral = referral
        self.cause = cause
        self.documents: tuple[DocumentPointer, ...] = ()
        self._tasks = {task.task_id: task for task in tasks}
        self._touched: dict[str, Task] = {}
        self._changes: list[Change] = []
        self._created = 0

    @property
    def at(self) -> datetime:
        """When it takes effect: the input's own time, but never before the current stage was entered."""
        return max(self.cause.at, self.referral.stage_entered_at)

    def set(self, **fields: Any) -> None:
        """Change fields of the referral."""
        self.referral = self.referral.changed(**fields)

    def record(
        self,
        kind: ChangeKind,
        *,
        previous_stage: Stage | None = None,
        reason_code: str | None = None,
        comment: str | None = None,
        outcome: AttemptOutcome | None = None,
        task_id: str | None = None,
        is_rework: bool = False,
        **fields: Any,
    ) -> None:
        """Change fields of the referral and make one fact of everything set since the last."""
        sequence = self.referral.sequence + 1
        self.referral = self.referral.changed(**fields, sequence=sequence, updated_at=self.cause.recorded_at)
        self._changes.append(
            Change(
                kind=kind,
                cause=self.cause,
                previous_stage=previous_stage,
                reason_code=reason_code,
                comment=comment,
                outcome=outcome,
                task_id=task_id,
                is_rework=is_rework,
                after=self.referral,
            )
        )

    def decision(self) -> Decision:
        """Return what was decided."""
        return Decision(tuple(self._changes), tuple(self._touched.values()), self.documents)

    def open_tasks(self) -> tuple[Task, ...]:
        """Return the tasks that are open now, in order of creation."""
        return tuple(task for task in self._tasks.values() if task.status is TaskStatus.OPEN)

    def task(self, task_id: str) -> Task | None:
        """Return an open task."""
        found = self._tasks.get(task_id)
        return found if found is not None and found.status is TaskStatus.OPEN else None

    def put_task(self, task: Task) -> None:
        """Keep a new or changed task."""
        self._tasks[task.task_id] = task
        self._touched[task.task_id] = task

    def create_task(self, template: TaskTemplate, team: Team, *, due_at: datetime | None) -> None:
        """Open a task for a team; ids follow from the cause and the order of creation."""
        referral = self.referral
        task_id = named_id("task", self.cause.cause_id, str(self._created))
        self._created += 1
        self.put_task(
            Task(
                network_id=referral.network_id,
                task_id=task_id,
                referral_id=referral.referral_id,
                clinic_id=referral.clinic_id,
                template=template.name,
                type=template.type,
                owner_queue=queue_of(referral.network_id, referral.clinic_id, template.team or team),
                owner_user=None,
                due_at=due_at,
                status=TaskStatus.OPEN,
                stage_entry=referral.stage_entry,
                created_at=self.at,
            )
        )

    def finish_task(self, task: Task, status: TaskStatus) -> None:
        """End a task, in the name of whoever caused this."""
        self.put_task(task.changed(status=status, completed_at=self.at, completed_by=self.cause.actor))
