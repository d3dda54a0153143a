"""The list of the stack's processes that `baton ps` shows."""

from confluent_kafka import KafkaException
from pydantic import BaseModel

from baton.stack.lag import lags
from baton.stack.state import PartRecord, PartState, StackRecord

SUPERVISOR = "supervisor"


class Row(BaseModel):
    """One process."""

    name: str
    slot: int
    pid: int | None
    state: PartState
    restarts: int
    #: Unread records of its consumer group; the processes of one group show the same figure.
    lag: int | None = None
    #: Why it does not run yet, or how it ended the last time.
    says: str = ""


def overview(record: StackRecord) -> tuple[Row, ...]:
    """List the supervisor and every process it keeps, with the lag of those that read topics."""
    by_group = _lags(record)
    supervisor = Row(name=SUPERVISOR, slot=0, pid=record.supervisor_pid, state=PartState.RUNNING, restarts=0)
    return (supervisor, *(_row(part, by_group) for part in record.parts))


def _row(part: PartRecord, by_group: dict[str, int | None]) -> Row:
    return Row(
        name=part.name,
        slot=part.slot,
        pid=part.pid,
        state=part.state,
        restarts=part.restarts,
        lag=by_group.get(part.group) if part.group else None,
        says=_says(part),
    )


def _says(part: PartRecord) -> str:
    end = part.last_end
    ended = f"{end.at.astimezone():%H:%M:%S} {end.reason}" if end else ""
    return "; ".join(words for words in (part.answer, ended) if words)


def _lags(record: StackRecord) -> dict[str, int | None]:
    groups = sorted({part.group for part in record.parts if part.group})
    if not groups:
        return {}
    try:
        return lags(record.addresses.kafka_bootstrap_servers, groups)
    except KafkaException:
        return {}
