"""Failpoints are nothing when off, and exactly what was asked for when on."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from runtime import failpoints
from runtime.failpoints import Failpoint, FailpointAction, arm, failpoint, parse_failpoint


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    arm("")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b", Failpoint("a.b")),
        ("a.b:0.05", Failpoint("a.b", probability=0.05)),
        ("a.b@3", Failpoint("a.b", at_hit=3)),
        (" a.b=exit:0.5@2 ", Failpoint("a.b", FailpointAction.EXIT, 0.5, 2)),
        ("a.b=stop", Failpoint("a.b", FailpointAction.STOP)),
    ],
)
def test_a_failpoint_is_read(text: str, expected: Failpoint) -> None:
    assert parse_failpoint(text) == expected


@pytest.mark.parametrize("text", ["a=explode", "a:often", "a@first"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"explode|often|first"):
        arm(text)


def test_off_costs_next_to_nothing() -> None:
    arm("")
    calls = 100_000

    started = time.perf_counter()
    for _ in range(calls):
        failpoint("stager.after_commit")
    took = time.perf_counter() - started

    assert took / calls < 5e-6


@pytest.mark.parametrize(("hit", "reached"), [(1, 1), (3, 3)])
def test_an_armed_failpoint_fires_at_its_hit_only(hit: int, reached: int) -> None:
    program = (
        "from runtime.failpoints import arm, failpoint\n"
        f"arm('other.place,here=exit@{hit}')\n"
        "for n in range(1, 9):\n    print(n, flush=True); failpoint('there'); failpoint('here')\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.returncode == failpoints.EXIT_INTERNAL
    assert done.stdout.split()[-1] == str(reached)
    assert '"name": "here"' in done.stderr


def test_probability_is_kept_to(monkeypatch: pytest.MonkeyPatch) -> None:
    acted: list[FailpointAction] = []
    monkeypatch.setattr(failpoints, "_act", acted.append)
    arm("here:0.2")

    for _ in range(2_000):
        failpoint("here")

    assert 250 < len(acted) < 550
