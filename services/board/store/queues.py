"""Read the work of the teams: queues, tasks, notices, possible duplicates."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime

from services.board.answers import (
    DuplicateAnswer,
    NoticeAnswer,
    QueueAnswer,
    QueuePage,
    ReferralAnswer,
    TaskAnswer,
    TaskPage,
)
from services.board.rules.access import ColumnGroup
from services.board.store.referrals import patient_of, read_summaries
from services.board.store.session import PatientRead, Row, Session

MOST_NOTICES = 100
MOST_DUPLICATES = 100


class BadPosition(ValueError):
    """The place to go on from is none that the board gave out."""


@dataclass(frozen=True)
class Position:
    """The last row of a page: its due time as the database writes it, and its id."""

    due: str = "-infinity"
    row_id: str = ""

    def __str__(self) -> str:
        return urlsafe_b64encode(f"{self.due}|{self.row_id}".encode()).decode()


def position_of(text: str | None) -> Position:
    """Return the position a page gave out as `next`.

    Raises:
        BadPosition: it is not one.
    """
    if not text:
        return Position()
    try:
        due, _, row_id = urlsafe_b64decode(text.encode()).decode().partition("|")
        if due != "infinity":
            datetime.fromisoformat(due)
    except ValueError:
        raise BadPosition from None
    return Position(due, row_id)


def read_queues(session: Session, *, now: datetime) -> tuple[QueueAnswer, ...]:
    """Return every queue with open referrals that the person sees."""
    return tuple(QueueAnswer.model_validate(row) for row in session.rows("queues", now=now))


def read_queue_page(session: Session, queue: str, *, after: Position, most: int) -> QueuePage:
    """Return a part of a queue, what is due first coming first; names no patients."""
    rows = session.rows("queue_page", queue=queue, after_due=after.due, after_id=after.row_id, most=most + 1)
    ids = [row["referral_id"] for row in rows[:most]]
    by_id: dict[str, ReferralAnswer] = {r.referral_id: r for r in read_summaries(session, ids, action=None)}
    following = _next(rows, most, due="due_order", row_id="referral_id")
    return QueuePage(queue=queue, referrals=tuple(by_id[i] for i in ids if i in by_id), next=following)


def read_tasks(
    session: Session, *, status: str, queue: str | None, owner: str | None, after: Position, most: int
) -> TaskPage:
    """Return a part of the tasks, what is due first coming first."""
    wanted = {"status": status, "queue": queue, "owner": owner}
    rows = session.rows("tasks", **wanted, after_due=after.due, after_id=after.row_id, most=most + 1)
    tasks = tuple(TaskAnswer.model_validate(row) for row in rows[:most])
    return TaskPage(tasks=tasks, next=_next(rows, most, due="due_order", row_id="task_id"))


def read_notices(session: Session, queue: str | None) -> tuple[NoticeAnswer, ...]:
    """Return the latest notices of a queue, or of every queue whose notices the person gets."""
    rows = session.rows("notices", queue=queue, most=MOST_NOTICES)
    return tuple(NoticeAnswer.model_validate(row) for row in rows)


def read_duplicates(session: Session) -> tuple[DuplicateAnswer, ...]:
    """Return the open possible duplicates, the oldest first, with both patients side by side."""
    if not session.sees(ColumnGroup.IDENTITY):
        return ()
    rows = session.rows("duplicates", most=MOST_DUPLICATES)
    ids = list({row[side] for row in rows for side in ("patient_id", "candidate_patient_id") if row[side]})
    patients = {row["patient_id"]: row for row in session.rows("patients", patient_ids=ids)} if ids else {}
    session.reads.extend(
        PatientRead(action="view_possible_duplicates", clinic_id=None, referral_id=None, patient_id=patient_id)
        for patient_id in patients
    )
    return tuple(_duplicate(row, patients) for row in rows)


def _duplicate(row: Row, patients: dict[str, Row]) -> DuplicateAnswer:
    patient, candidate = patients.get(row["patient_id"]), patients.get(row["candidate_patient_id"])
    sides = {
        "patient": patient_of(patient) if patient else None,
        "candidate": patient_of(candidate) if candidate else None,
    }
    return DuplicateAnswer.model_validate({**row, **sides})


def _next(rows: list[Row], most: int, *, due: str, row_id: str) -> str | None:
    if len(rows) <= most:
        return None
    last = rows[most - 1]
    return str(Position(last[due], last[row_id]))
