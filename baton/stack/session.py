"""A stack at a terminal: show how it comes up, stay until the person stops it, take it down."""

import importlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from rich.console import Console

from baton.refusal import Refused
from baton.stack import control
from baton.stack.paths import StackHome
from baton.stack.plan import needs_java
from baton.stack.state import PartState, Phase, StackRecord
from baton.stack.toolchain import ToolMissing, ensure_toolchain

#: minutes instead of days, so that reminders and breaches can be watched; the view says so
DEMO_POLICY = {"SLA_POLICY": "demo", "SLA_WINDOW_S": "15"}
PHASES = {
    Phase.STARTING: "starting the broker, the registry and the database",
    Phase.PREPARING: "creating topics and tables",
    Phase.LAUNCHING: "starting the services",
}


def detached(home: StackHome, arguments: tuple[str, ...]) -> None:
    """Start a stack that outlives this command, and return when it is ready."""
    console = Console(stderr=True)
    supervisor = _launch(home, arguments, console, os.environ, ends_with_caller=False)
    try:
        _show_start(home, supervisor, console)
    except KeyboardInterrupt:
        control.stop(home)
        raise


def foreground(home: StackHome, arguments: tuple[str, ...], *, demo: bool) -> None:
    """Start a stack, stay with it, and take it down when the person or anything else ends this command."""
    console = Console()
    with _asked_to_stop() as asked:
        environment = {**DEMO_POLICY, **os.environ} if demo else os.environ
        supervisor = _launch(home, arguments, console, environment, ends_with_caller=True)
        try:
            record = _show_start(home, supervisor, console, asked)
            if record is not None:
                _stay(record, supervisor, asked, demo=demo)
            console.print("stopping")
        finally:
            control.stop(home)
            code = supervisor.wait()
    if code != 0 and not asked.is_set():
        raise Refused(f"the supervisor ended with code {code}; its log: {home.log_of('supervisor')}")


def _launch(
    home: StackHome,
    arguments: tuple[str, ...],
    console: Console,
    environment: Mapping[str, str],
    *,
    ends_with_caller: bool,
) -> subprocess.Popen[bytes]:
    try:
        if needs_java(environment):
            ensure_toolchain(console.print)
    except ToolMissing as missing:
        raise Refused(str(missing)) from None
    return control.launch(home, environment, arguments, ends_with_caller=ends_with_caller)


def _show_start(
    home: StackHome,
    supervisor: subprocess.Popen[bytes],
    console: Console,
    asked: threading.Event | None = None,
) -> StackRecord | None:
    started = time.monotonic()
    shown: set[str] = set()
    for record in control.progress(home, supervisor):
        for line in _news(record, shown):
            console.print(f"[dim]{time.monotonic() - started:5.1f} s[/dim]  {line}", highlight=False)
        if record.phase is Phase.RUNNING:
            _show_addresses(record, console)
            return record
        if asked is not None and asked.is_set():
            break
    return None


def _news(record: StackRecord, shown: set[str]) -> Iterator[str]:
    lines = [PHASES[record.phase]] if record.phase in PHASES else []
    for part in record.parts:
        title = f"{part.name} {part.slot}" if part.slot else part.name
        if part.state is PartState.RUNNING:
            lines.append(f"  [green]{title}[/green] is ready")
        elif part.state is PartState.BACKING_OFF:
            lines.append(f"  [yellow]{title}[/yellow] ended, trying again")
    for line in lines:
        if line not in shown:
            shown.add(line)
            yield line


def _show_addresses(record: StackRecord, console: Console) -> None:
    addresses = record.addresses
    console.print(f"board   {addresses.board_url}\nintake  {addresses.intake_url}", highlight=False)
    console.print(f"HL7     {addresses.mllp_address}\nfolder  {addresses.drop_folder}", highlight=False)


def _stay(record: StackRecord, supervisor: subprocess.Popen[bytes], asked: threading.Event, *, demo: bool) -> None:
    ended = threading.Event()

    def watch() -> None:
        while not asked.wait(0.2) and supervisor.poll() is None:
            continue
        ended.set()

    threading.Thread(target=watch, daemon=True).start()
    if demo:
        importlib.import_module("baton.demo").run(record.addresses.as_environment(), ended)
    ended.wait()


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into an orderly end; the second interrupts whatever still runs."""
    asked = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
