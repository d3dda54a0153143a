"""What is left to read, and how long it is waited for."""

from itertools import count

from baton.topic_reader import Span
from baton.verify.settling import Patience, unread


def test_unread_is_what_lies_beyond_the_committed_offsets() -> None:
    spans = {("a", 0): Span(0, 10), ("a", 1): Span(0, 10), ("a", 2): Span(4, 10), ("a", 3): Span(0, 0)}

    rest = unread(spans, {("a", 0): 10, ("a", 1): 7})

    assert rest == {("a", 1): Span(7, 10), ("a", 2): Span(4, 10)}


def test_patience_looks_once_even_without_time() -> None:
    assert Patience(0).until(lambda: True)
    assert not Patience(0).until(lambda: False)


def test_patience_is_shared_by_all_that_wait() -> None:
    ticks = count()
    patience = Patience(3, clock=lambda: float(next(ticks)))

    first = patience.until(lambda: False)
    looks = []

    def look() -> bool:
        looks.append(1)
        return False

    assert not first
    assert not patience.until(look)
    assert len(looks) == 1
