"""What must hold of every open referral (R4)."""

from collections.abc import Iterator, Sequence

from schemas.vocabulary import ClockState
from services.stager.rules.referral import Referral, Task, TaskStatus
from services.stager.rules.rulebook import Rulebook


def violations(book: Rulebook, referral: Referral, tasks: Sequence[Task]) -> Iterator[str]:
    """Name what an open referral lacks of owner, time and work; nothing for a closed one."""
    if not book.stage(referral.stage).is_open:
        return
    if not referral.owner_queue:
        yield "owner_queue"
    if referral.clock is ClockState.STOPPED:
        yield "clock"
    if referral.clock is ClockState.RUNNING and referral.due_at is None:
        yield "due_at"
    if referral.clock is ClockState.PAUSED and referral.reason_code is None:
        yield "reason_code"
    if not any(task.status is TaskStatus.OPEN for task in tasks):
        yield "open_task"
