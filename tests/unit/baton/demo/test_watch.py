import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from rich.console import Console

from baton.demo import watch as watching
from baton.demo.watch import Playing, view_of, watch
from tests.unit.baton.demo.test_view import NOW, OWN, SNAPSHOT

ADDRESSES = {
    "BOARD_URL": "http://127.0.0.1:8080",
    "INTAKE_URL": "http://127.0.0.1:8090",
    # nobody listens on port 1
    "DATABASE_URL": "postgresql://127.0.0.1:1/none",
}
PLAIN_LINE = re.compile(r"\d\d:\d\d:\d\d \S[^\x00-\x1f\x7f]*")


def playing(troubles: tuple[str, ...] = (), **addresses: str) -> Playing:
    return Playing(
        addresses={**ADDRESSES, **addresses}, seed=42, troubles=lambda: troubles, own_figures=lambda: OWN, since=NOW
    )


@pytest.mark.parametrize(
    ("asked", "used", "used_at", "named"),
    [
        ("", "demo@1", NOW, "policy demo@1 (minutes, not days)"),
        ("", "standard@1", NOW, "policy standard@1"),
        ("demo", "standard@1", NOW, "policy standard@1"),
        ("standard", "demo@1", NOW - timedelta(days=1), "policy standard"),
        ("", "demo@1", NOW - timedelta(days=1), "network"),
    ],
)
def test_title_names_the_policy_that_sets_due_times(asked: str, used: str, used_at: datetime, named: str) -> None:
    snapshot = replace(SNAPSHOT, policy=used, policy_used_at=used_at)

    view = view_of(playing(SLA_POLICY=asked), snapshot, (0.0, 0.0), ())

    assert view.title.endswith(named)


@contextmanager
def watched(shown: Playing) -> Iterator[None]:
    stop = threading.Event()
    watcher = threading.Thread(target=watch, args=(shown, stop), daemon=True)
    watcher.start()
    yield
    stop.set()
    watcher.join(10)
    assert not watcher.is_alive()


def test_piped_output_is_whole_plain_lines(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    looked = threading.Event()

    def look(_: Playing) -> object:
        looked.set()
        return SNAPSHOT

    monkeypatch.setattr(watching, "_look", look)
    monkeypatch.setattr(watching, "Console", lambda: Console(force_terminal=False))
    with watched(playing(("board is away:\n\x1b[31mkilled",))):
        assert looked.wait(10)

    lines = capfd.readouterr().out.splitlines()
    assert all(PLAIN_LINE.fullmatch(line) for line in lines)
    assert "seed 42" in lines[0]
    assert any("trouble: board is away" in line for line in lines)
    assert any("referrals 123456" in line and "scheduled 1234" in line for line in lines)


def test_database_that_is_away_is_a_trouble(capfd: pytest.CaptureFixture[str]) -> None:
    told = threading.Event()
    shown = replace(playing(), troubles=lambda: (told.set() or "asked",))  # type: ignore[func-returns-value]
    with watched(shown):
        assert told.wait(10)

    assert "trouble: the database does not answer" in capfd.readouterr().out
