"""A few long-lived reader processes; one that hangs or dies is replaced and costs only its own message."""

import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO, cast

from runtime.unavailable import InfrastructureUnavailable
from services.intake.extraction.findings import Finding
from services.intake.extraction.wire import (
    LARGEST_BODY,
    BrokenFrame,
    FrameKind,
    ReadRequest,
    finding_of,
    read_frame,
    write_request,
)

DEFAULT_COMMAND = (sys.executable, "-m", "services.intake.extraction.reader_process")
START_WITHIN_S = 30.0
#: what one message can hold by the limits of the readers, and more
MOST_FINDINGS = 1_000


class ReadOutcome(StrEnum):
    """How reading ended; all but the first leave something unread."""

    COMPLETE = "complete"
    FAILED = "reader_failed"
    TIMED_OUT = "reader_timed_out"
    DIED = "reader_died"
    FILE_LOST = "file_lost"  #: a file pointed at is not, or not as it was, in the document store


class ReaderUnavailable(InfrastructureUnavailable):
    """No reader process can be started on this machine."""

    part = "reader"


@dataclass(slots=True)
class ReadResult:
    """What was found before the end, and how the end was."""

    findings: list[Finding] = field(default_factory=list)
    outcome: ReadOutcome = ReadOutcome.COMPLETE


class _Child:
    """One reader process."""

    def __init__(self, command: Sequence[str]) -> None:
        # its environment is its own: it has no use for the passwords of this one
        environment = {"PYTHONPATH": ":".join(sys.path), "LANG": "C.UTF-8"}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        self._is_ready = False
        self._is_out_of_time = False

    @property
    def is_alive(self) -> bool:
        """Whether the process has not ended while nobody asked it for anything."""
        return self._process.poll() is None

    def read(self, request: ReadRequest, time_limit_s: float) -> ReadResult:
        """Read one request; afterwards a child whose outcome is not complete or failed is dead.

        Raises:
            ReaderUnavailable: the process ended before it was ready.
        """
        self._become_ready()
        result = ReadResult(outcome=ReadOutcome.DIED)
        self._is_out_of_time = False
        try:
            with self._killed_after(time_limit_s):
                write_request(self._input, request)
                result.outcome = self._collect(result.findings)
        except (BrokenFrame, OSError):
            self.kill()
            result.outcome = ReadOutcome.TIMED_OUT if self._is_out_of_time else ReadOutcome.DIED
        return result

    def kill(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    continue

    def _collect(self, findings: list[Finding]) -> ReadOutcome:
        room = LARGEST_BODY
        while len(findings) <= MOST_FINDINGS and room >= 0:
            head, body = read_frame(self._output)
            if head.get("kind") == FrameKind.END:
                return ReadOutcome.COMPLETE if head.get("complete") is True else ReadOutcome.FAILED
            findings.append(finding_of(head, body))
            room -= len(body)
        raise BrokenFrame

    def _become_ready(self) -> None:
        if self._is_ready:
            return
        try:
            with self._killed_after(START_WITHIN_S):
                read_frame(self._output)
        except (BrokenFrame, OSError):
            self.kill()
            raise ReaderUnavailable from None
        self._is_ready = True

    @contextmanager
    def _killed_after(self, seconds: float) -> Iterator[None]:
        timer = threading.Timer(seconds, self._run_out_of_time)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _run_out_of_time(self) -> None:
        self._is_out_of_time = True
        self._process.kill()

    @property
    def _input(self) -> BinaryIO:
        return cast(BinaryIO, self._process.stdin)

    @property
    def _output(self) -> BinaryIO:
        return cast(BinaryIO, self._process.stdout)


class ReaderPool:
    """Reads requests in parallel, each within its time limit."""

    def __init__(
        self, *, processes: int, time_limit_s: float, memory_bytes: int, command: Sequence[str] = DEFAULT_COMMAND
    ) -> None:
        self._command = (*command, str(memory_bytes), str(time_limit_s))
        self._time_limit_s = time_limit_s
        self._idle: queue.SimpleQueue[_Child] = queue.SimpleQueue()
        # started now, so that the first message does not wait for it
        for _ in range(processes):
            self._idle.put(self._start())

    def read(self, request: ReadRequest) -> ReadResult:
        """Return what was found; waits for an idle process and may be called from several threads.

        Raises:
            ReaderUnavailable: no reader process can be started.
        """
        begin = time.monotonic()
        result = self._read_once(request, self._time_limit_s)
        left_s = begin + self._time_limit_s - time.monotonic()
        if result.outcome is not ReadOutcome.DIED or left_s <= 0:
            return result
        # a process may also die of something else than the message, as when the machine is short of memory
        return self._read_once(request, left_s)

    def close(self) -> None:
        """End the processes."""
        while not self._idle.empty():
            self._idle.get().kill()

    def _read_once(self, request: ReadRequest, time_limit_s: float) -> ReadResult:
        child = self._alive(self._idle.get())
        is_usable = False
        try:
            result = child.read(request, time_limit_s)
            is_usable = result.outcome in (ReadOutcome.COMPLETE, ReadOutcome.FAILED)
            return result
        finally:
            if not is_usable:
                child.kill()
            self._idle.put(child if is_usable else self._start())

    def _alive(self, child: _Child) -> _Child:
        if child.is_alive:
            return child
        child.kill()
        return self._start()

    def _start(self) -> _Child:
        try:
            return _Child(self._command)
        except OSError:
            raise ReaderUnavailable from None
