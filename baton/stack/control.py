"""Start, watch and stop a stack from outside its supervisor."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from baton.refusal import NoStackRuns, Refused
from baton.stack.lock import StackAlreadyRunning, holder
from baton.stack.paths import REPOSITORY, StackHome
from baton.stack.process import LAUNCHER, last_lines, log_size
from baton.stack.state import Phase, StackRecord, read_state

LOOK_EVERY_S = 0.05
#: Longer than every grace time of a stack together.
STOP_WITHIN_S = 75.0
NO_SIGNAL = 0
#: What the kernel calls a process of another container.
UNSEEN = 0


@dataclass(frozen=True)
class Launched:
    """A supervisor that was started here, and where its own lines begin in its log."""

    process: subprocess.Popen[bytes]
    log_began_at: int

    def end(self) -> int:
        """End this supervisor and with it its stack, never another one that holds the home; return its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def launch(
    home: StackHome, environment: Mapping[str, str], arguments: tuple[str, ...], *, ends_with_caller: bool
) -> Launched:
    """Start a supervisor in the background.

    Raises:
        Refused: a stack runs in this home already, or the home cannot be written.
    """
    try:
        home.create()
    except OSError as error:
        raise Refused(f"{home.root} cannot be used: {error.strerror}; name another folder in BATON_HOME") from None
    if holder(home.lock) is not None:
        raise Refused(str(StackAlreadyRunning(home.lock)))
    death_signal = int(signal.SIGTERM) if ends_with_caller else NO_SIGNAL
    launcher = (sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(death_signal), "-")
    log_began_at = log_size(home.log_of("supervisor"))
    with home.log_of("supervisor").open("ab") as log:
        process = subprocess.Popen(
            (*launcher, sys.executable, "-m", "baton.stack", *arguments),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**environment, "BATON_HOME": str(home.root)},
            cwd=REPOSITORY,
            start_new_session=True,
        )
    return Launched(process, log_began_at)


def progress(home: StackHome, launched: Launched) -> Iterator[StackRecord]:
    """Yield the stack's state while it starts; the last one is the running stack.

    Raises:
        Refused: when the stack does not come up, with the reason.
    """
    supervisor = launched.process
    while True:
        over = supervisor.poll() is not None
        record = read_state(home.state)
        if record is not None and record.supervisor_pid == supervisor.pid:
            if record.phase is Phase.FAILED:
                supervisor.wait()
                raise Refused(record.message)
            yield record
            if record.phase is Phase.RUNNING:
                return
        if over:
            if holder(home.lock) not in (None, supervisor.pid):
                raise Refused(str(StackAlreadyRunning(home.lock)))
            said = last_lines(home.log_of("supervisor"), launched.log_began_at)
            raise Refused(f"the stack did not start:\n{said}")
        time.sleep(LOOK_EVERY_S)


def running(home: StackHome) -> StackRecord:
    """Read the state of the stack that runs in this home.

    Raises:
        Refused: when none runs.
    """
    pid = holder(home.lock)
    record = read_state(home.state)
    if pid is None or record is None or record.supervisor_pid != pid:
        raise NoStackRuns(home.root)
    return record


def stop(home: StackHome, *, within_s: float = STOP_WITHIN_S) -> bool:
    """Stop the stack of this home and wait until nothing of it is left; tell whether one ran.

    Raises:
        Refused: it runs where this process cannot see it.
    """
    pid = holder(home.lock)
    if pid is None:
        return False
    if pid == UNSEEN:
        raise Refused(f"the stack in {home.root} runs in another container; stop it there")
    with _held(pid) as process:
        # The number was read before the handle was taken: only now is it certain whom the signal reaches.
        if holder(home.lock) == pid:
            signal.pidfd_send_signal(process, signal.SIGTERM)
            if not _released(home, within_s):
                signal.pidfd_send_signal(process, signal.SIGKILL)
                _released(home, within_s)
    return True


@contextlib.contextmanager
def _held(pid: int) -> Iterator[int]:
    process = os.pidfd_open(pid)
    try:
        yield process
    finally:
        os.close(process)


def _released(home: StackHome, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while holder(home.lock) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_EVERY_S)
    return True
