import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from types import FrameType
from typing import Any

import pytest

from runtime.stopping import StopRequest, stop_on_signals

LONG_S = 60.0


@pytest.fixture(autouse=True)
def handlers_as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_nobody_asked_and_the_wait_ends_with_its_time() -> None:
    stop = StopRequest()

    assert not stop.wait(0.001)
    assert not stop.is_set()


def test_asked_twice_is_asked_once_and_no_wait_is_long_from_then_on() -> None:
    stop = StopRequest()

    stop.set()
    stop.set()

    assert stop.wait(LONG_S)
    assert stop.wait(LONG_S)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_wait_that_has_begun(number: signal.Signals) -> None:
    stop = stop_on_signals()
    threading.Timer(0.05, os.kill, (os.getpid(), number)).start()

    assert stop.wait(LONG_S)


@pytest.mark.timeout(10)
def test_a_signal_at_any_step_of_waiting_is_heard_and_hangs_nothing() -> None:
    heard: list[bool] = []
    step = 0
    while not heard or heard[-1]:
        step += 1
        stop = stop_on_signals()
        with signal_at_step(step):
            stop.wait(0.0)
        heard.append(stop.is_set())

    # the last of them came to no step any more
    assert len(heard) > 2


@contextmanager
def signal_at_step(number: int) -> Iterator[None]:
    """Raise SIGTERM when the block has come to its so many-th line of Python."""
    lines = count(1)

    def trace(_frame: FrameType, event: str, _argument: object) -> Callable[..., Any]:
        if event == "line" and next(lines) == number:
            signal.raise_signal(signal.SIGTERM)
        return trace

    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(None)
