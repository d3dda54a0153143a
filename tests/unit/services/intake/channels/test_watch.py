"""The doors are open while everything that accepting needs is there."""

from runtime.health import Readiness
from services.intake.channels.watch import MOST_TROUBLES, Watch
from tests.support.waiting import eventually


class Parts:
    def __init__(self) -> None:
        self.is_away = False
        self.prepared = 0
        self.ended: list[int] = []

    def prepare(self) -> None:
        self.look()
        self.prepared += 1

    def look(self) -> None:
        if self.is_away:
            raise ConnectionError


def watch_of(parts: Parts) -> Watch:
    return Watch(prepare=parts.prepare, look=parts.look, readiness=Readiness(), end=parts.ended.append)


def test_the_doors_open_when_all_is_there_and_prepared_once() -> None:
    parts = Parts()
    parts.is_away = True
    watch = watch_of(parts)

    watch.look()
    assert not watch.is_open
    parts.is_away = False
    watch.look()
    watch.look()

    assert watch.is_open
    assert parts.prepared == 1


def test_a_trouble_closes_the_doors_until_the_next_good_look() -> None:
    watch = watch_of(Parts())
    watch.look()

    watch.suspect()
    assert not watch.is_open
    watch.look()
    assert watch.is_open


def test_accepting_that_keeps_failing_although_all_looks_well_ends_the_process() -> None:
    parts = Parts()
    watch = watch_of(parts)
    for _ in range(MOST_TROUBLES - 1):
        watch.suspect()
    watch.accepted()
    watch.suspect()
    watch.look()
    assert not parts.ended

    for _ in range(MOST_TROUBLES):
        watch.suspect()
    parts.is_away = True
    watch.look()
    assert not parts.ended
    parts.is_away = False
    watch.look()
    assert parts.ended


def test_the_watch_looks_by_itself() -> None:
    watch = watch_of(Parts())
    watch.start()

    eventually(lambda: watch.is_open, what="open doors")
    watch.stop()
