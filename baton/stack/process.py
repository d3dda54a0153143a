"""Start a child process that cannot outlive its supervisor, and end it with all its descendants."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from baton.stack.paths import REPOSITORY

LAUNCHER = Path(__file__).with_name("launch.py")


class CommandFailed(Exception):
    """A command of the start-up failed."""


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
    process = await start(command)
    try:
        code = await process.wait()
    finally:
        sweep(process.pid)
    if code != 0:
        name = command.log.stem
        raise CommandFailed(f"{name} failed with code {code}:\n{last_lines(command.log)}")


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


def last_lines(log: Path, count: int = 8) -> str:
    """Read the end of a log for a person who has to find out why something failed."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return "(no log)"
    return "\n".join(f"    {line}" for line in lines[-count:]) or "    (its log is empty)"
