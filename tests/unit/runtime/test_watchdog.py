"""The watchdog ends a process that has work and does none, and leaves an idle one alone."""

from collections.abc import Callable

import pytest

from runtime.progress import Progress
from runtime.watchdog import Watchdog

LIMIT_S = 20.0
NOW = 1_000.0


def progress(
    *, committed: float = NOW, busy: float | None = None, turned: float | None = NOW, over: float | None = None
) -> Progress:
    made = Progress()
    made.committed_at, made.busy_since, made.turned_at, made.over_at = committed, busy, turned, over
    return made


def lag(count: int) -> Callable[[], int]:
    return lambda: count


@pytest.mark.parametrize(
    ("marks", "unread", "verdict"),
    [
        (progress(), 9, None),
        (progress(committed=NOW - 21), 0, None),
        (progress(committed=NOW - 21), 9, "lag_without_commit"),
        (progress(committed=NOW - 19), 9, None),
        (progress(committed=NOW - 21, busy=NOW - 5), 9, None),
        (progress(busy=NOW - 21), 0, "batch_hangs"),
        (progress(busy=NOW - 9, over=NOW - 1), 0, "transaction_hangs"),
        (progress(busy=NOW - 5, over=NOW + 3), 0, None),
        (progress(turned=NOW - 21), 0, "loop_hangs"),
        (progress(committed=NOW - 21, turned=None), 9, None),
    ],
    ids=[
        "works",
        "idle",
        "stands",
        "not_yet",
        "busy",
        "batch_hangs",
        "transaction_hangs",
        "transaction",
        "loop_hangs",
        "begins",
    ],
)
def test_verdict(marks: Progress, unread: int, verdict: str | None) -> None:
    assert Watchdog(marks, limit_s=LIMIT_S, lag=lag(unread)).verdict(NOW) == verdict


def test_a_working_process_asks_nobody() -> None:
    def unasked() -> int:
        raise AssertionError

    assert Watchdog(progress(), limit_s=LIMIT_S, lag=unasked).verdict(NOW) is None


def test_a_batch_that_is_done_has_no_transaction_in_hand() -> None:
    marks = Progress()
    marks.begin()
    marks.publishing(NOW)

    marks.committed()

    assert (marks.busy_since, marks.over_at) == (None, None)


def test_marks_are_copies() -> None:
    marks, reached = Progress(), {("t", 0): 1}

    marks.turned(reached)
    reached["t", 0] = 5

    assert marks.reached == {("t", 0): 1}
    assert marks.turned_at is not None
