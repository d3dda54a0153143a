"""Start a child process that cannot outlive its supervisor, and end it with all its descendants."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from baton.stack.paths import REPOSITORY

TAIL_BYTES = 8192
MAX_WORDS_LENGTH = 200
LAUNCHER = Path(__file__).with_name("launch.py")


class CommandFailed(Exception):
    """A command of the start-up failed."""

    def __init__(self, *, code: int, log: Path, log_began_at: int) -> None:
        how = how_ended(code)
        super().__init__(f"{log.stem} failed with {how}:\n{end_of_log(log, log_began_at)}")
        self.code, self.log = code, log
        self.reason = f"{log.stem} failed with {how}{last_words(log, log_began_at)}"


@dataclass(frozen=True)
class Command:
    """A program to run, with everything it gets."""

    arguments: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path = REPOSITORY
    #: The user to run as when the stack runs as root.
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    #: What the kernel sends when the supervisor dies.
    death_signal: signal.Signals = signal.SIGKILL


async def start(command: Command) -> Process:
    """Start a command in a session of its own; its output is appended to its log.

    Call it from the main thread: the kernel ties the child to the thread that made it.
    """
    launcher = (sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(int(command.death_signal)))
    with command.log.open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *launcher,
            command.user or "-",
            *command.arguments,
            stdin=DEVNULL,
            stdout=log,
            stderr=log,
            env=command.environment,
            cwd=command.folder,
            start_new_session=True,
        )


async def run(command: Command) -> None:
    """Run a command to its end.

    Raises:
        CommandFailed: when it does not end with 0; the message carries the last lines of its log.
    """
    log_began_at = log_size(command.log)
    process = await start(command)
    try:
        code = await process.wait()
    finally:
        sweep(process.pid)
    if code != 0:
        raise CommandFailed(code=code, log=command.log, log_began_at=log_began_at)


async def stop(process: Process, *, stop_signal: signal.Signals, grace_s: float) -> None:
    """Ask a process to end, wait for the grace time, then end it and what it started by force."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(stop_signal)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), grace_s)
    sweep(process.pid)
    await process.wait()


def sweep(group: int) -> None:
    """Kill what is left of a process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def log_size(log: Path) -> int:
    """Return where the next line of a log will begin."""
    try:
        return log.stat().st_size
    except FileNotFoundError:
        return 0


def how_ended(code: int) -> str:
    """Name an exit code, or the signal that a negative one stands for."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"


def last_lines(log: Path, began_at: int = 0, *, count: int = 8) -> str:
    """Read the end of what was written to a log from a place on, for a person who has to find out why."""
    lines = _tail(log, began_at)
    if lines is None:
        return "    (no log)"
    return "\n".join(f"    {line}" for line in lines[-count:]) or "    (its log is empty)"


def end_of_log(log: Path, began_at: int = 0) -> str:
    """Read the end of a log, and name it."""
    return f"{last_lines(log, began_at)}\n    log: {log}"


def _tail(log: Path, began_at: int) -> list[str] | None:
    try:
        with log.open("rb") as file:
            size = log.stat().st_size
            # a log that was rotated meanwhile is shorter than it was
            file.seek(max(0, size - TAIL_BYTES, began_at if began_at <= size else 0))
            return file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return None


def last_words(log: Path, began_at: int) -> str:
    """Return, in brackets, the last thing a process had to say; nothing when it said nothing."""
    # what begins with blanks continues another line, as the places of a traceback do
    lines = [line for line in _tail(log, began_at) or () if line and not line[0].isspace()]
    if not lines:
        return ""
    with contextlib.suppress(ValueError):
        entry = json.loads(lines[-1])
        if isinstance(entry, dict):
            found = (entry.get(name) for name in ("event", "reason", "hint", "code", "error_type", "error_at"))
            return f" ({', '.join(str(value) for value in found if value)})"
    return f" ({lines[-1][:MAX_WORDS_LENGTH]})"
