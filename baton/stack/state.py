"""What the supervisor tells the world about its processes, as a file that is always whole."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from baton.stack.addresses import Addresses
from baton.stack.files import write_atomically


class Phase(StrEnum):
    """Where the stack as a whole is."""

    STARTING = "starting"
    PREPARING = "preparing"
    LAUNCHING = "launching"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class PartState(StrEnum):
    """Where one process is."""

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    BACKING_OFF = "backing off"
    STOPPING = "stopping"
    STOPPED = "stopped"


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class LastEnd(Frozen):
    """How a process ended by itself, the last time."""

    at: datetime
    #: Its exit code, negative for a signal; none when it could not be started.
    code: int | None
    reason: str
    #: Where more of it is to be read, when that file exists.
    log: str | None


class PartRecord(Frozen):
    """One process of the stack."""

    name: str
    slot: int
    state: PartState
    pid: int | None
    restarts: int
    metrics_port: int | None = None
    group: str | None = None
    #: Seconds from its start to its readiness, the last time.
    ready_after_s: float | None = None
    #: When it was started the last time, and what it answers while it is not ready.
    starting_since: datetime | None = None
    answer: str = ""
    last_end: LastEnd | None = None

    @property
    def title(self) -> str:
        """Name the process for a person."""
        return f"{self.name} {self.slot}" if self.slot else self.name


class StackRecord(Frozen):
    """The whole stack."""

    phase: Phase
    supervisor_pid: int
    addresses: Addresses
    parts: tuple[PartRecord, ...]
    #: Why the stack failed, or what it does now.
    message: str = ""


def write_state(path: Path, record: StackRecord) -> None:
    """Replace the stack's state."""
    write_atomically(path, record.model_dump_json(indent=1))


def read_state(path: Path) -> StackRecord | None:
    """Read the stack's last state, if there is any."""
    try:
        return StackRecord.model_validate_json(path.read_text())
    except (FileNotFoundError, ValidationError):
        return None
