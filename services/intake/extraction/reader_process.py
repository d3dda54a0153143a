"""The process that reads foreign bytes: little memory, no secrets, killed when it takes too long."""

import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from typing import BinaryIO

from services.intake.extraction.findings import Finding
from services.intake.extraction.readers import read
from services.intake.extraction.wire import (
    BrokenFrame,
    FrameKind,
    ReadRequest,
    read_request,
    write_finding,
    write_frame,
)

Reader = Callable[[ReadRequest], Iterator[Finding]]
#: how long after intake should have killed it a process ends itself, should intake be gone
GRACE_S = 5.0
_OPEN_FILES = 64


def serve(reader: Reader, *, memory_bytes: int, time_limit_s: float) -> None:
    """Answer requests from standard input until it ends."""
    requests, answers = _own_streams()
    _limit(memory_bytes)
    write_frame(answers, {"kind": FrameKind.READY})
    while True:
        try:
            request = read_request(requests)
        except BrokenFrame:
            return
        signal.setitimer(signal.ITIMER_REAL, time_limit_s + GRACE_S)
        _answer(reader, request, answers)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(reader: Reader, request: ReadRequest, answers: BinaryIO) -> None:
    is_complete = True
    try:
        for finding in reader(request):
            write_finding(answers, finding)
    except MemoryError:
        # what was allocated is in an unknown state; the successor starts clean
        os._exit(1)
    except Exception:  # noqa: BLE001 - whatever a parser trips over, the message is unreadable, and its text is not told
        is_complete = False
    write_frame(answers, {"kind": FrameKind.END, "complete": is_complete})


def _own_streams() -> tuple[BinaryIO, BinaryIO]:
    # a library that prints must not write into the frames
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    return requests, answers


def _limit(memory_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    # a stop signal to the whole group must not turn the message in hand into an unreadable one
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


if __name__ == "__main__":
    serve(read, memory_bytes=int(sys.argv[1]), time_limit_s=float(sys.argv[2]))
