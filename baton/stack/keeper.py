"""Keep one process running: start, wait until ready, restart with back-off, stop."""

import asyncio
import time
from asyncio.subprocess import Process
from collections.abc import Callable
from dataclasses import dataclass

from baton.stack.part import Part
from baton.stack.process import CommandFailed, last_lines, start, stop, sweep
from baton.stack.state import PartRecord, PartState

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


class Keeper:
    """Keep one part running until told to stop."""

    def __init__(self, part: Part, *, changed: Callable[[], None], back_off: BackOff) -> None:
        self.part = part
        self.ready = asyncio.Event()
        self.state = PartState.WAITING
        self.restarts = 0
        self.failures_in_a_row = 0
        self._last_failure = ""
        self._last_answer = "it does not answer"
        self._ready_after_s: float | None = None
        self._changed = changed
        self._back_off = back_off
        self._stopping = asyncio.Event()
        self._process: Process | None = None
        self._task: asyncio.Task[None] | None = None

    def explain(self) -> str:
        """Say why the process is not ready: how it ended, else what it answered."""
        return self._last_failure or self._last_answer

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
            self.ready.clear()
            if self._stopping.is_set():
                break
            if time.monotonic() - started >= self._back_off.healthy_after_s:
                self.failures_in_a_row = 0
            self.restarts += 1
            self._become(PartState.BACKING_OFF)
            await self._pause(self._back_off.delay(self.failures_in_a_row))
            self.failures_in_a_row += 1

    async def _end(self, process: Process) -> None:
        await stop(process, stop_signal=self.part.command.stop_signal, grace_s=self.part.grace_s)

    async def _run_once(self) -> None:
        self._become(PartState.STARTING)
        started = time.monotonic()
        try:
            await self.part.prepare()
            process = self._process = await start(self.part.command)
        except (CommandFailed, OSError) as error:
            self._last_failure = str(error)
            return
        self._changed()
        if self._stopping.is_set():
            return await self._end(process)
        asking = asyncio.create_task(self._ask_until_ready(process, started))
        try:
            code = await process.wait()
        finally:
            asking.cancel()
            sweep(process.pid)
        self._last_failure = f"it ended with code {code}:\n{last_lines(self.part.command.log)}"

    async def _ask_until_ready(self, process: Process, started: float) -> None:
        while process.returncode is None:
            if await asyncio.to_thread(self._answers_yes):
                self._ready_after_s = round(time.monotonic() - started, 2)
                if not self._stopping.is_set():
                    self._become(PartState.RUNNING)
                    self.ready.set()
                return
            await asyncio.sleep(ASK_EVERY_S)

    def _answers_yes(self) -> bool:
        try:
            return self.part.is_ready()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong with the question, the answer is "not yet"
            self._last_answer = f"it does not answer ({type(error).__name__}: {error})"
            return False

    def _become(self, state: PartState) -> None:
        self.state = state
        self._changed()

    async def _pause(self, delay_s: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), delay_s)
        except TimeoutError:
            return
