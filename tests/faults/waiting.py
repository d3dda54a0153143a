"""Waits for conditions: however busy the machine is, what is given up on is named."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from confluent_kafka import KafkaException

T = TypeVar("T")
#: long enough for a machine that many share; who waits so long in vain waits for ever
DEADLINE_S = 300.0
LOOK_EVERY_S = 0.2


def holds_within(look: Callable[[], bool], within_s: float = DEADLINE_S) -> bool:
    """Wait until something holds and tell whether it did; a broker that does not answer says no."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if look():
                return True
        except KafkaException:
            pass
        time.sleep(LOOK_EVERY_S)
    return False


def answer_of(ask: Callable[[], T], within_s: float = DEADLINE_S) -> T:
    """Ask a broker that may be slow until it answers.

    Raises:
        KafkaException: it never did.
    """
    deadline = time.monotonic() + within_s
    while True:
        try:
            return ask()
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(LOOK_EVERY_S)


def end_thread(thread: threading.Thread) -> None:
    """Wait until a thread that was told to stop has ended.

    Raises:
        TimeoutError: it did not.
    """
    thread.join(DEADLINE_S)
    if thread.is_alive():
        raise TimeoutError(f"the end of thread {thread.name}")
