from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

from baton.demo.figures import Happening, Snapshot, StageFigures
from baton.demo.view import View, figures_of
from schemas.vocabulary import Stage

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SIZES = ((80, 24), (60, 20), (120, 40), (200, 60), (40, 10))
SNAPSHOT = Snapshot(
    stages={stage.value: StageFigures(referrals=1234, overdue=123, paused=12) for stage in Stage},
    news=tuple(
        Happening(at=NOW, referral_id="WRFC-SSSG-1MB8", stage=stage, priority="routine", is_overdue=True)
        for stage in Stage
        for _ in range(5)
    ),
    policy="demo@1",
    policy_used_at=NOW,
    referrals=123456,
    patients=98765,
    duplicates=1234,
    notices=12345,
    violations=0,
    reminders=12345,
    breaches=12345,
    changes=1234567,
    quarantine=0,
    repeated=12345,
)
OWN = {"sent": 123456, "refused by doors": 12, "staff steps": 1234567, "refused to staff": 1234}
VIEW = View(
    title="Baton · demo network · policy demo@1 (minutes, not days)",
    subtitle="seed 319203501 · Ctrl-C ends it",
    address="board http://127.0.0.1:8080   intake http://127.0.0.1:8090",
    figures=figures_of(SNAPSHOT, (12.3, 45.6), OWN),
    troubles=(),
    snapshot=SNAPSHOT,
)
TROUBLE = (
    "sla-firing is restarting: it was killed by signal 9, at 12:00:01, and this is told at some length\nover lines"
)


def drawn(view: View, width: int, height: int) -> list[str]:
    console = Console(width=width, height=height, record=True, file=StringIO(), force_terminal=True)
    console.print(view)
    return console.export_text().splitlines()


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("troubles", [0, 2, 9])
def test_view_fits_its_terminal(width: int, height: int, troubles: int) -> None:
    lines = drawn(replace(VIEW, troubles=(TROUBLE,) * troubles), width, height)

    assert len(lines) <= height
    assert {len(line) for line in lines} == {width}


def test_nothing_is_cut_off_in_a_small_terminal() -> None:
    text = "\n".join(drawn(replace(VIEW, troubles=("one is down", "two is down")), 80, 24))

    for wanted in _everything():
        assert wanted in text
    assert "…" not in text


def _everything() -> Iterator[str]:
    yield from (VIEW.title, VIEW.subtitle, VIEW.address, "one is down", "two is down")
    yield from VIEW.figures
    yield from (stage.value.replace("_", " ") for stage in Stage)


def test_troubles_that_have_no_room_are_counted() -> None:
    text = "\n".join(drawn(replace(VIEW, troubles=tuple(f"part {n} is down" for n in range(9))), 80, 24))

    assert "part 0 is down" in text
    assert "and 7 more" in text


def test_larger_terminal_tells_more() -> None:
    events = [sum("WRFC" in line for line in drawn(VIEW, width, height)) for width, height in SIZES[1:4]]
    bars = [any("▪" in line for line in drawn(VIEW, width, height)) for width, height in SIZES[:3]]

    assert events == sorted(set(events))
    assert bars == [False, False, True]
