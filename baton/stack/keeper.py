"""Keep one process running: start, wait until ready, restart with back-off, stop."""

import asyncio
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from baton.stack.part import Part
from baton.stack.process import CommandFailed, how_ended, last_words, log_size, start, stop, sweep
from baton.stack.state import LastEnd, PartRecord, PartState
from baton.stack.vital_signs import SILENT_FOR_S, VitalSigns
from runtime.clock import MachineClock
from runtime.ports import occupant

ASK_EVERY_S = 0.1


@dataclass(frozen=True)
class BackOff:
    """How long to wait before a restart."""

    first_s: float = 0.2
    longest_s: float = 10.0
    #: A process that ran this long starts again as if it had never failed.
    healthy_after_s: float = 10.0

    def delay(self, failures_in_a_row: int) -> float:
        """Double the wait with each failure, up to the longest."""
        return min(self.longest_s, self.first_s * 2.0 ** min(failures_in_a_row, 20))


def lost_words(lost: Mapping[int, str]) -> list[str]:
    """Say of each port by whom it is taken."""
    return [f"port {port} is taken by {whose}" for port, whose in lost.items()]


class Keeper:
    """Keep one part running until told to stop."""

    def __init__(
        self, part: Part, *, changed: Callable[[], None], back_off: BackOff, silent_for_s: float = SILENT_FOR_S
    ) -> None:
        self.part = part
        self.ready = asyncio.Event()
        self.state = PartState.WAITING
        self.restarts = 0
        #: How often it ended without having been ready since it was last told to begin or was ready.
        self.ends_before_ready = 0
        self.last_end: LastEnd | None = None
        #: Ports on which somebody else listened when it ended the last time, and who.
        self.lost_ports: dict[int, str] = {}
        self._failures_in_a_row = 0
        self._answer, self._silence = "", ""
        self._ready_after_s: float | None = None
        self._starting_since: datetime | None = None
        self._changed = changed
        self._back_off = back_off
        self._silent_for_s = silent_for_s
        self._clock = MachineClock()
        self._stopping = asyncio.Event()
        self._process: Process | None = None
        self._task: asyncio.Task[None] | None = None

    def record(self) -> PartRecord:
        """Describe the process as it is now."""
        part, process = self.part, self._process
        return PartRecord(
            name=part.name,
            slot=part.slot,
            state=self.state,
            pid=process.pid if process is not None and process.returncode is None else None,
            restarts=self.restarts,
            metrics_port=part.metrics_port,
            group=part.group,
            ready_after_s=self._ready_after_s,
            starting_since=self._starting_since,
            answer=self._answer,
            last_end=self.last_end,
        )

    def begin(self) -> None:
        """Start the process, and start it again whenever it ends, until `stop`."""
        self._task = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End the process, by force after its grace time, and do not start it again."""
        self._stopping.set()
        if self._process is not None and self._process.returncode is None:
            self._become(PartState.STOPPING)
            await self._end(self._process)
        elif self._task is not None:
            self._task.cancel()
        if self._task is not None:
            await asyncio.wait([self._task])
        self._become(PartState.STOPPED)

    async def _keep(self) -> None:
        while not self._stopping.is_set():
            started = time.monotonic()
            await self._run_once()
            self.ends_before_ready = 0 if self.ready.is_set() else self.ends_before_ready + 1
            self.ready.clear()
            if self._stopping.is_set():
                break
            if time.monotonic() - started >= self._back_off.healthy_after_s:
                self._failures_in_a_row = 0
            self.restarts += 1
            self._become(PartState.BACKING_OFF)
            await self._pause(self._back_off.delay(self._failures_in_a_row))
            self._failures_in_a_row += 1

    async def _end(self, process: Process) -> None:
        await stop(process, stop_signal=self.part.command.stop_signal, grace_s=self.part.grace_s)

    async def _run_once(self) -> None:
        self._answer, self._starting_since = "", self._clock.now()
        self._become(PartState.STARTING)
        started = time.monotonic()
        try:
            await self.part.prepare()
            log_began_at = log_size(self.part.command.log)
            process = self._process = await start(self.part.command)
        except CommandFailed as failure:
            return self._note_end(failure.code, failure.reason, failure.log)
        except OSError as error:
            return self._note_end(None, str(error), None)
        self._changed()
        if self._stopping.is_set():
            return await self._end(process)
        asking = asyncio.create_task(self._ask_until_ready(process, started))
        try:
            code = await process.wait()
        finally:
            asking.cancel()
            sweep(process.pid)
        if not self._stopping.is_set():
            self.lost_ports = await asyncio.to_thread(self._find_lost_ports)
            words = last_words(self.part.command.log, log_began_at) if code > 0 else ""
            reason = "; ".join((*lost_words(self.lost_ports), f"it ended with {how_ended(code)}{words}"))
            self._note_end(code, reason, self.part.command.log)

    def _find_lost_ports(self) -> dict[int, str]:
        taken = ((port, occupant(port)) for port in self.part.ports)
        return {port: whose for port, whose in taken if whose}

    def _note_end(self, code: int | None, reason: str, log: Path | None) -> None:
        named = str(log) if log is not None and log.exists() else None
        self.last_end = LastEnd(at=self._clock.now(), code=code, reason=self._silence or reason, log=named)
        self._silence = ""

    async def _ask_until_ready(self, process: Process, started: float) -> None:
        signs = VitalSigns(process.pid, self.part.command.log)
        while process.returncode is None:
            before = self._answer
            if await asyncio.to_thread(self._answers_yes):
                self._ready_after_s = round(time.monotonic() - started, 2)
                if not self._stopping.is_set():
                    self.ready.set()
                    self._become(PartState.RUNNING)
                return
            if await asyncio.to_thread(signs.is_silent, for_s=self._silent_for_s):
                self._silence = f"it hung: {self._silent_for_s:.0f} s without work or a line in its log"
                return await self._end(process)
            if self._answer != before:
                self._changed()
            await asyncio.sleep(ASK_EVERY_S)

    def _answers_yes(self) -> bool:
        try:
            is_ready = self.part.is_ready()
            self._answer = "" if is_ready else "it answers that it is not ready"
        except Exception as error:  # noqa: BLE001 - whatever goes wrong with the question, the answer is "not yet"
            is_ready = False
            words = error.strerror if isinstance(error, OSError) else None
            self._answer = f"it does not answer ({words or f'{type(error).__name__}: {error}'})"
        return is_ready

    def _become(self, state: PartState) -> None:
        self.state = state
        self._changed()

    async def _pause(self, delay_s: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), delay_s)
        except TimeoutError:
            return
