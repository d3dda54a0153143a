import pytest

from runtime.kafka import PublishFailed
from runtime.progress import Progress
from runtime.stopping import StopRequest
from services.sla import firing
from services.sla.firing import MAX_FAILURES, Firing, fire_until


class Scripted(Firing):
    """A firing whose scans end as written: a number of clocks, or None when the broker is away."""

    def __init__(self, script: list[int | None], stop: StopRequest) -> None:
        self.script = script
        self.stop = stop

    def fire_due(self) -> int:
        found = self.script.pop(0)
        if not self.script:
            self.stop.set()
        if found is None:
            raise PublishFailed
        return found

    def count_armed(self) -> None:
        return


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firing, "RETRY_AFTER_S", 0.0)


def run(script: list[int | None]) -> Scripted:
    stop = StopRequest()
    scripted = Scripted(script, stop)
    fire_until(scripted, Progress(), stop, limit=10, pause_s=0, on_ready=lambda: None)
    return scripted


def test_a_broker_that_is_away_for_a_moment_is_waited_for() -> None:
    assert run([None, None, 3, None, 0]).script == []


def test_a_broker_that_stays_away_ends_the_process() -> None:
    with pytest.raises(PublishFailed):
        run([3, *[None] * MAX_FAILURES, 0])


def test_a_full_scan_is_followed_by_the_next_without_a_pause() -> None:
    stop = StopRequest()
    scripted = Scripted([10, 10, 2], stop)

    fire_until(scripted, Progress(), stop, limit=10, pause_s=3600, on_ready=lambda: None)

    assert scripted.script == []
