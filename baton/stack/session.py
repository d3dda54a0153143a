"""A stack at a terminal: show how it comes up, stay until the person stops it, take it down."""

import importlib
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from rich.console import Console

from baton.refusal import Refused
from baton.stack import control
from baton.stack.control import Launched
from baton.stack.news import News, troubles
from baton.stack.paths import StackHome
from baton.stack.plan import needs_java
from baton.stack.ports import recall_ports
from baton.stack.start_lines import start_lines
from baton.stack.state import PartState, Phase, StackRecord, read_state
from baton.stack.toolchain import ToolMissing, ensure_toolchain
from runtime.clock import MachineClock

#: minutes instead of days, so that reminders and breaches can be watched; the view says so
DEMO_POLICY = {"SLA_POLICY": "demo", "SLA_WINDOW_S": "15"}
LOOK_EVERY_S = 0.2


class EndOfStack(threading.Event):
    """Set when the person asked for the end; the end of the supervisor, which holds the stack's ports, is one too.

    Whoever sends into the stack asks before each message, so that nothing reaches another stack on the same ports.
    """

    def __init__(self, asked: threading.Event, supervisor: Launched) -> None:
        super().__init__()
        self._asked, self._supervisor = asked, supervisor

    def is_set(self) -> bool:
        """Tell whether the stack may be used no more."""
        return self._asked.is_set() or self._supervisor.process.poll() is not None

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the person's word, then look at the supervisor, too."""
        return self._asked.wait(timeout) or self.is_set()


class Session:
    """One stack and the terminal it was started from."""

    def __init__(self, home: StackHome, supervisor: Launched, console: Console) -> None:
        self._home, self._supervisor, self._console = home, supervisor, console
        self._started = time.monotonic()
        self._news = News()

    def show_start(self, asked: threading.Event | None = None) -> StackRecord | None:
        """Show how the stack comes up; return it when it runs, nothing when the person asked for its end before.

        Raises:
            Refused: it does not come up.
        """
        for record in control.progress(self._home, self._supervisor):
            self._tell(record)
            if record.phase is Phase.RUNNING:
                self._show_addresses(record)
                return record
            if asked is not None and asked.is_set():
                break
        return None

    def stay(self, record: StackRecord, end: EndOfStack, *, demo: bool) -> None:
        """Stay until the end; show what happens to the processes, or a network at work."""
        if demo:
            environment = {**DEMO_POLICY, **os.environ, **record.addresses.as_environment()}
            importlib.import_module("baton.demo").run(environment, end, self.troubles)
        while not end.wait(LOOK_EVERY_S):
            if (now := read_state(self._home.state)) is not None:
                self._tell(now)

    def troubles(self) -> tuple[str, ...]:
        """Return a line for each process that does not run, or ended not long ago."""
        record = read_state(self._home.state)
        return () if record is None else tuple(troubles(record, MachineClock().now()))

    def _tell(self, record: StackRecord) -> None:
        for line in self._news.of(record, MachineClock().now()):
            seconds = f"[dim]{time.monotonic() - self._started:5.1f} s[/dim]"
            self._console.print(f"{seconds}  {line}", highlight=False, soft_wrap=True)

    def _show_addresses(self, record: StackRecord) -> None:
        for part in record.parts:
            if part.state is not PartState.RUNNING and part.last_end is not None:
                self._console.print(f"[red]{part.title} does not run[/red]: see `baton ps`", highlight=False)
        lines = start_lines(record, recall_ports(self._home.ports), os.environ)
        self._console.print("\n".join(lines), highlight=False, soft_wrap=True, markup=False)


def detached(home: StackHome, arguments: tuple[str, ...]) -> None:
    """Start a stack that outlives this command, and return when it is ready."""
    console = Console(stderr=True)
    supervisor = _launch(home, arguments, console, os.environ, ends_with_caller=False)
    try:
        Session(home, supervisor, console).show_start()
    except BaseException:
        supervisor.end()
        raise


def foreground(home: StackHome, arguments: tuple[str, ...], *, demo: bool) -> None:
    """Start a stack, stay with it, and take it down when the person or anything else ends this command."""
    console = Console()
    with _asked_to_stop() as asked:
        environment = {**DEMO_POLICY, **os.environ} if demo else os.environ
        supervisor = _launch(home, arguments, console, environment, ends_with_caller=True)
        session = Session(home, supervisor, console)
        try:
            if (record := session.show_start(asked)) is not None:
                session.stay(record, EndOfStack(asked, supervisor), demo=demo)
            console.print("stopping")
        finally:
            code = supervisor.end()
    if code != 0 and not asked.is_set():
        raise Refused(f"the supervisor ended with code {code}; its log: {home.log_of('supervisor')}")


def _launch(
    home: StackHome,
    arguments: tuple[str, ...],
    console: Console,
    environment: Mapping[str, str],
    *,
    ends_with_caller: bool,
) -> Launched:
    try:
        if needs_java(environment):
            ensure_toolchain(console.print)
    except ToolMissing as missing:
        raise Refused(str(missing)) from None
    return control.launch(home, environment, arguments, ends_with_caller=ends_with_caller)


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
