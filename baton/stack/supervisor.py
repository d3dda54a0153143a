"""The supervisor: brings the stack up in order, keeps it running, takes it down in reverse order."""

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from baton.stack.addresses import Addresses
from baton.stack.keeper import BackOff, Keeper, lost_words
from baton.stack.logs import rotate
from baton.stack.part import Part
from baton.stack.paths import StackHome
from baton.stack.process import Command, CommandFailed, end_of_log, run
from baton.stack.state import Phase, StackRecord, write_state

GUARD = Path(__file__).with_name("guard.py")
ROTATE_EVERY_S = 5.0
LOOK_EVERY_S = 0.05
#: What failed this often before it was ever ready will not get ready by itself.
HOPELESS_AFTER = 5
#: So often a process finds its port taken before others are chosen.
LOST_AFTER = 2


class StackFailure(Exception):
    """The stack cannot start."""


class PortsLost(StackFailure):
    """Somebody else began to listen on a port of this stack before its own process did."""

    def __init__(self, lost: Mapping[int, str]) -> None:
        super().__init__("; ".join(lost_words(lost)))
        self.ports = frozenset(lost)


@dataclass(frozen=True)
class Plan:
    """All that belongs to one stack, in the order in which it starts."""

    addresses: Addresses
    infrastructure: tuple[Part, ...]
    preparation: tuple[Command, ...] = ()
    services: tuple[Part, ...] = ()
    back_off: BackOff = field(default_factory=BackOff)


class Supervisor:
    """Run one stack from start to stop."""

    def __init__(self, plan: Plan, home: StackHome, *, pid: int, message: str = "") -> None:
        self._plan = plan
        self._home = home
        self._pid = pid
        self._phase = Phase.STARTING
        self._message = message
        self._stop = asyncio.Event()
        self._infrastructure = self._keepers(plan.infrastructure)
        self._services = self._keepers(plan.services)

    async def run(self) -> bool:
        """Run the stack until a signal ends it; tell whether it had come up.

        Raises:
            PortsLost: it has to be started with other ports.
        """
        guard = self._start_guard()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        rotating = asyncio.create_task(self._rotate_logs())
        living = asyncio.create_task(self._live())
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait([living, stopping], return_when=asyncio.FIRST_COMPLETED)
        failure = await self._outcome(living)
        await self._take_down()
        rotating.cancel()
        if isinstance(failure, PortsLost):
            self._become(Phase.STARTING, str(failure))
        else:
            self._become(Phase.FAILED if failure else Phase.STOPPED, str(failure or ""))
        guard.communicate()
        if isinstance(failure, PortsLost):
            raise failure
        return failure is None

    def _start_guard(self) -> "subprocess.Popen[bytes]":
        self._publish()
        command = (sys.executable, "-I", "-S", str(GUARD), str(self._home.state))
        return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    async def _live(self) -> None:
        await self._bring_up(self._infrastructure)
        if hopeless := [keeper for keeper in self._infrastructure if not keeper.ready.is_set()]:
            raise StackFailure("\n".join(_explain(keeper) for keeper in hopeless))
        for command in self._plan.preparation:
            self._become(Phase.PREPARING, command.log.stem)
            await self._prepare(command)
        self._become(Phase.LAUNCHING)
        await self._bring_up(self._services)
        self._become(Phase.RUNNING)
        await self._stop.wait()

    async def _outcome(self, living: "asyncio.Task[None]") -> Exception | None:
        if not living.done():
            living.cancel()
        (result,) = await asyncio.gather(living, return_exceptions=True)
        if isinstance(result, StackFailure | CommandFailed):
            return result
        if isinstance(result, Exception):
            raise result
        return None

    async def _prepare(self, command: Command) -> None:
        # a busy machine makes it miss its own time limits, and it may be repeated
        for attempt in range(HOPELESS_AFTER):
            try:
                return await run(command)
            except CommandFailed:
                if attempt + 1 == HOPELESS_AFTER:
                    raise
                await asyncio.sleep(self._plan.back_off.delay(attempt))

    async def _bring_up(self, keepers: Sequence[Keeper]) -> None:
        """Start processes and wait for each as long as it lives; one that only fails is not waited for."""
        for keeper in keepers:
            keeper.begin()
        while any(not keeper.ready.is_set() and keeper.ends_before_ready < HOPELESS_AFTER for keeper in keepers):
            losers = [keeper for keeper in keepers if keeper.ends_before_ready >= LOST_AFTER]
            if lost := {port: whose for keeper in losers for port, whose in keeper.lost_ports.items()}:
                raise PortsLost(lost)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _take_down(self) -> None:
        self._become(Phase.STOPPING)
        await asyncio.gather(*(keeper.stop() for keeper in self._services))
        await asyncio.gather(*(keeper.stop() for keeper in self._infrastructure))

    async def _rotate_logs(self) -> None:
        while True:
            await asyncio.sleep(ROTATE_EVERY_S)
            await asyncio.to_thread(rotate, self._home.logs)

    def _keepers(self, parts: Sequence[Part]) -> tuple[Keeper, ...]:
        changed: Callable[[], None] = self._publish
        return tuple(Keeper(part, changed=changed, back_off=self._plan.back_off) for part in parts)

    def _become(self, phase: Phase, message: str = "") -> None:
        self._phase, self._message = phase, message
        self._publish()

    def _publish(self) -> None:
        keepers = (*self._infrastructure, *self._services)
        record = StackRecord(
            phase=self._phase,
            supervisor_pid=self._pid,
            addresses=self._plan.addresses,
            parts=tuple(keeper.record() for keeper in keepers),
            message=self._message,
        )
        # a full disk must not end who keeps the processes running
        with contextlib.suppress(OSError):
            write_state(self._home.state, record)


def _explain(keeper: Keeper) -> str:
    end = keeper.last_end
    if end is None:
        return f"{keeper.part.title} does not get ready"
    said = f"\n{end_of_log(Path(end.log))}" if end.log else ""
    return f"{keeper.part.title} does not get ready: {end.reason}{said}"
