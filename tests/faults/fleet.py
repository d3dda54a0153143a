"""The processes of a deployment under a small supervisor: whoever dies is started again within 0.2 s."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from baton.sandbox import Sandbox
from baton.stack.process import LAUNCHER

LOOK_EVERY_S = 0.02
RESTART_AFTER_S = 0.2
#: longer than a process may take that shares the machine with many; who has not ended then is killed
STOP_WITHIN_S = 120.0


@dataclass(frozen=True)
class Death:
    """One end of a process that nobody asked for politely."""

    name: str
    at: datetime
    code: int
    #: the failpoint that killed it, if one did
    failpoint: str | None


@dataclass
class Slot:
    """One process of the fleet and its successors."""

    name: str
    process: subprocess.Popen[bytes] | None = None
    log_begin: int = 0
    died_at: float = 0.0
    is_held: bool = False
    lives: int = 0
    #: environment of the next life, asked for at each start
    next_life: Callable[[str], Mapping[str, str]] = field(default=lambda _name: {})


class Fleet:
    """Keeps processes of a sandbox alive; one thread starts them all, as the kernel ties children to it."""

    def __init__(self, sandbox: Sandbox, names: Sequence[str]) -> None:
        self._sandbox = sandbox
        self._slots = {name: Slot(name) for name in names}
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="fleet", daemon=True)
        self.deaths: list[Death] = []
        #: deaths that a fault is the cause of are noted by it; here is told who died by which signal
        self.on_death: Callable[[Death], None] = lambda _death: None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._slots)

    def start(self) -> None:
        """Start every process and keep it running."""
        self._thread.start()

    def prepare(self, name: str, next_life: Callable[[str], Mapping[str, str]]) -> None:
        """Choose what the environment of the coming lives of a process adds."""
        self._slots[name].next_life = next_life

    def is_alive(self, name: str) -> bool:
        """Tell whether a process runs."""
        process = self._slots[name].process
        return process is not None and process.poll() is None

    def pid(self, name: str) -> int | None:
        """Return the number of a running process."""
        process = self._slots[name].process
        return process.pid if process is not None and process.poll() is None else None

    def send_signal(self, name: str, number: signal.Signals) -> bool:
        """Send a signal to a running process; tell whether there was one."""
        with self._lock:
            process = self._slots[name].process
            if process is None or process.poll() is not None:
                return False
            process.send_signal(number)
            return True

    @contextmanager
    def held(self, *names: str, number: signal.Signals = signal.SIGTERM) -> Iterator[None]:
        """Keep processes down for the length of the block."""
        for name in names:
            self._slots[name].is_held = True
            self.send_signal(name, number)
        self._await_down(names)
        try:
            yield
        finally:
            for name in names:
                self._slots[name].is_held = False

    def stop(self) -> None:
        """Ask every process to end, wait, and stop keeping."""
        for slot in self._slots.values():
            slot.is_held = True
            self.send_signal(slot.name, signal.SIGTERM)
        self._await_down(self.names)
        self._stop.set()
        self._thread.join(5)

    def lives(self) -> int:
        """Return how many processes were started."""
        return sum(slot.lives for slot in self._slots.values())

    def _await_down(self, names: Sequence[str]) -> None:
        deadline = time.monotonic() + STOP_WITHIN_S
        while any(self.is_alive(name) for name in names):
            if time.monotonic() > deadline:
                for name in names:
                    self.send_signal(name, signal.SIGKILL)
            time.sleep(LOOK_EVERY_S)

    def _keep(self) -> None:
        while not self._stop.wait(LOOK_EVERY_S):
            for slot in self._slots.values():
                with self._lock:
                    self._look_after(slot)

    def _look_after(self, slot: Slot) -> None:
        if slot.process is not None:
            code = slot.process.poll()
            if code is None:
                return
            self._bury(slot, code)
        if not slot.is_held and time.monotonic() - slot.died_at >= (RESTART_AFTER_S if slot.lives else 0):
            self._spawn(slot)

    def _bury(self, slot: Slot, code: int) -> None:
        slot.process, slot.died_at = None, time.monotonic()
        if slot.is_held and code == 0:
            return
        death = Death(slot.name, datetime.now(UTC), code, self._failpoint_hit(slot))
        self.deaths.append(death)
        self.on_death(death)

    def _spawn(self, slot: Slot) -> None:
        log = self._sandbox.log_of(slot.name)
        slot.log_begin = log.stat().st_size if log.exists() else 0
        tied = (sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(int(signal.SIGKILL)), "-")
        slot.process = self._sandbox.launch(slot.name, slot.next_life(slot.name), wrapper=tied)
        slot.lives += 1

    def _failpoint_hit(self, slot: Slot) -> str | None:
        with self._sandbox.log_of(slot.name).open("rb") as log:
            log.seek(slot.log_begin)
            lines = log.read().splitlines()
        for line in reversed(lines):
            if b'"failpoint_hit"' in line:
                return str(json.loads(line)["name"])
        return None
