"""The referrals of one batch in memory: read once, changed in the order of the inputs, written once."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from schemas.vocabulary import CommandAction, Role
from services.stager.rules.decision import Change, Decision, PastChange
from services.stager.rules.referral import DocumentPointer, Referral, Task, TaskStatus
from services.stager.rules.transitions import Subject


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandAnswer:
    """What became of a command; field names are the column names."""

    network_id: str
    command_id: str
    referral_id: str
    action: CommandAction
    outcome: str
    refusal: str | None
    detail: str | None
    version: int | None
    by_user: str
    by_role: Role
    at: datetime


@dataclass
class WorkingSet:
    """What a batch read, and what it is going to write."""

    referrals: dict[str, Referral] = field(default_factory=dict)
    open_tasks: defaultdict[str, dict[str, Task]] = field(default_factory=lambda: defaultdict(dict))
    past: defaultdict[str, list[PastChange]] = field(default_factory=lambda: defaultdict(list))
    changes: list[Change] = field(default_factory=list)
    touched_tasks: dict[str, Task] = field(default_factory=dict)
    documents: dict[str, DocumentPointer] = field(default_factory=dict)
    answers: list[CommandAnswer] = field(default_factory=list)

    def subject(self, referral_id: str) -> Subject:
        """Return a referral as the inputs so far left it."""
        return Subject(
            referral=self.referrals.get(referral_id),
            open_tasks=tuple(self.open_tasks[referral_id].values()),
            past=self.past[referral_id],
        )

    def apply(self, decision: Decision) -> None:
        """Let a decision be what the next input finds."""
        referral = decision.referral
        self.referrals[referral.referral_id] = referral
        self.changes.extend(decision.changes)
        for document in decision.documents:
            # known since it first came, in this batch or in an earlier one
            self.documents.setdefault(document.document_id, document)
        for task in decision.tasks:
            self._keep_task(task)
        self.past[referral.referral_id].extend(
            PastChange(change.after.sequence, change.kind, change.after.stage, change.cause.actor)
            for change in decision.changes
        )

    def touched_referrals(self) -> list[Referral]:
        """Return the last state of every referral that changed, in the order of ids."""
        ids = sorted({change.after.referral_id for change in self.changes})
        return [self.referrals[referral_id] for referral_id in ids]

    def _keep_task(self, task: Task) -> None:
        self.touched_tasks[task.task_id] = task
        of_referral = self.open_tasks[task.referral_id]
        if task.status is TaskStatus.OPEN:
            of_referral[task.task_id] = task
        else:
            of_referral.pop(task.task_id, None)
