"""The work of the teams: queues, tasks, notices, possible duplicates."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query

from services.board.answers import DuplicateAnswer, NoticeAnswer, QueueAnswer, QueuePage, TaskPage
from services.board.desk import AsCaller
from services.board.store.queues import (
    position_of,
    read_duplicates,
    read_notices,
    read_queue_page,
    read_queues,
    read_tasks,
)

router = APIRouter(prefix="/api", tags=["queues"])
Most = Annotated[int, Query(ge=1, le=200, description="Rows of a page.")]
After = Annotated[str | None, Query(max_length=200, description="The `next` of the page before.")]
QueueName = Annotated[str | None, Query(max_length=200, description="network.clinic.team")]


class TaskStatus(StrEnum):
    """Whether a task is to be done."""

    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


@router.get("/queues")
def queues(caller: AsCaller) -> list[QueueAnswer]:
    """Tell how each queue stands: open, overdue, due soon, oldest."""
    with caller.session() as session:
        return list(read_queues(session, now=caller.desk.clock.now()))


@router.get("/queues/{queue}/referrals")
def queue_referrals(queue: str, caller: AsCaller, after: After = None, most: Most = 50) -> QueuePage:
    """List the open referrals of a queue, what is due first coming first."""
    with caller.session() as session:
        return read_queue_page(session, queue, after=position_of(after), most=most)


@router.get("/tasks")
def tasks(
    caller: AsCaller,
    queue: QueueName = None,
    owner: Annotated[str | None, Query(max_length=64, description="Staff user id.")] = None,
    status: TaskStatus = TaskStatus.OPEN,
    after: After = None,
    most: Most = 50,
) -> TaskPage:
    """List tasks, what is due first coming first."""
    with caller.session() as session:
        return read_tasks(session, status=status, queue=queue, owner=owner, after=position_of(after), most=most)


@router.get("/notices")
def notices(caller: AsCaller, queue: QueueName = None) -> list[NoticeAnswer]:
    """List the latest notices of the person's teams."""
    with caller.session() as session:
        return list(read_notices(session, queue))


@router.get("/possible-duplicates")
def possible_duplicates(caller: AsCaller) -> list[DuplicateAnswer]:
    """List pairs of patients who may be one, side by side."""
    with caller.session() as session:
        return list(read_duplicates(session))
