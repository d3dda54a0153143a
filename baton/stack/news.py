"""What a person at the terminal is told of a stack's processes: what is waited for, what died, what came back."""

from collections.abc import Iterator
from datetime import datetime

from rich.markup import escape

from baton.stack.state import PartRecord, PartState, Phase, StackRecord

PHASES = {
    Phase.STARTING: "starting the broker, the registry and the database",
    Phase.PREPARING: "creating topics and tables",
    Phase.LAUNCHING: "starting the services",
}
#: So long a part may take before its waiting is worth a line, and from line to line.
WAITING_LINE_EVERY_S = 10.0
#: So long it is worth a line that a process ended and came back.
RECENT_S = 120.0


class News:
    """Tells each thing once: give it every state of the stack that was seen."""

    def __init__(self) -> None:
        self._phase: tuple[Phase, str] | None = None
        self._told: dict[str, tuple[PartState, int]] = {}
        self._waits_told: dict[str, int] = {}

    def of(self, record: StackRecord, now: datetime) -> Iterator[str]:
        """Yield the lines that are new, in rich markup."""
        for part in record.parts:
            yield from self._of_part(part, now)
        if (record.phase, record.message) != self._phase:
            self._phase = (record.phase, record.message)
            if record.phase in PHASES:
                yield PHASES[record.phase] + (f": {record.message}" if record.message else "")

    def _of_part(self, part: PartRecord, now: datetime) -> Iterator[str]:
        before = self._told.get(part.title, (PartState.WAITING, 0))
        self._told[part.title] = (part.state, part.restarts)
        if part.restarts > before[1] and part.last_end is not None:
            yield f"  [yellow]{part.title}[/yellow]: {escape(part.last_end.reason)}; it is started again"
            if part.last_end.log:
                yield f"    log: {escape(part.last_end.log)}"
        if part.state is PartState.RUNNING and before != (part.state, part.restarts):
            yield f"  [green]{part.title}[/green] is ready" + (" again" if part.restarts else "")
        yield from self._of_waiting(part, now)

    def _of_waiting(self, part: PartRecord, now: datetime) -> Iterator[str]:
        if part.state is not PartState.STARTING or part.starting_since is None:
            self._waits_told.pop(part.title, None)
            return
        waited_s = (now - part.starting_since).total_seconds()
        if (lines := int(waited_s / WAITING_LINE_EVERY_S)) > self._waits_told.get(part.title, 0):
            self._waits_told[part.title] = lines
            answer = f": {escape(part.answer)}" if part.answer else ""
            yield f"  [dim]still waiting for {part.title}, {waited_s:.0f} s{answer}[/dim]"


def troubles(record: StackRecord, now: datetime) -> Iterator[str]:
    """Yield a line for each process that does not run, or that ended not long ago."""
    for part in record.parts:
        end = part.last_end
        if end is None:
            continue
        is_recent = (now - end.at).total_seconds() < RECENT_S
        if part.state is not PartState.RUNNING:
            yield f"{part.title} is {part.state}: {end.reason}"
        elif is_recent:
            yield f"{part.title} came back; at {end.at.astimezone():%H:%M:%S} {end.reason}"
