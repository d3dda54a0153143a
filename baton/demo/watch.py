"""Show the live view on the terminal, or whole plain lines where there is none."""

import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psycopg
from rich.console import Console
from rich.live import Live

from baton.demo.figures import Rates, Snapshot, take_snapshot
from baton.demo.view import View, figures_of

LOOK_EVERY_S = 1.0
LINE_EVERY_S = 10.0
DATABASE_AWAY = "the database does not answer; the figures are old"


@dataclass(frozen=True, kw_only=True)
class Playing:
    """What is being played, and how it goes."""

    addresses: Mapping[str, str]
    seed: int
    troubles: Callable[[], tuple[str, ...]]
    own_figures: Callable[[], Mapping[str, int]]
    since: datetime = field(default_factory=lambda: datetime.now(UTC))

    def policy(self, snapshot: Snapshot | None) -> str:
        """Name the policy by which due times are set now, as far as anything tells it."""
        named = self.addresses.get("SLA_POLICY", "")
        if snapshot and snapshot.policy_used_at and snapshot.policy_used_at >= self.since:
            named = snapshot.policy
        if not named:
            return ""
        return f" · policy {named}" + (" (minutes, not days)" if named.partition("@")[0] == "demo" else "")


def watch(playing: Playing, stop: threading.Event) -> None:
    """Show what happens every second until told to stop."""
    console = Console()
    if console.is_terminal and not console.is_dumb_terminal:
        _watch_live(playing, stop, console)
    else:
        _watch_lines(playing, stop)


def _watch_live(playing: Playing, stop: threading.Event, console: Console) -> None:
    rates = Rates()
    last: Snapshot | None = None
    with Live(console=console, auto_refresh=False, screen=True) as screen:
        while not stop.is_set():
            snapshot = _look(playing)
            last = snapshot or last
            troubles = playing.troubles() if snapshot else (DATABASE_AWAY, *playing.troubles())
            if last is not None:
                screen.update(view_of(playing, last, rates.update(last), troubles), refresh=True)
            stop.wait(LOOK_EVERY_S)


def view_of(playing: Playing, snapshot: Snapshot, rates: tuple[float, float], troubles: tuple[str, ...]) -> View:
    """Put together what is shown at one moment."""
    return View(
        title=f"Baton · demo network{playing.policy(snapshot)}",
        subtitle=f"seed {playing.seed} · Ctrl-C ends it",
        address=f"board {playing.addresses['BOARD_URL']}   intake {playing.addresses['INTAKE_URL']}",
        figures=figures_of(snapshot, rates, playing.own_figures()),
        troubles=troubles,
        snapshot=snapshot,
    )


def _watch_lines(playing: Playing, stop: threading.Event) -> None:
    _say(f"demo: seed {playing.seed}{playing.policy(None)} · board {playing.addresses['BOARD_URL']}")
    rates, looks = Rates(), 0
    told: tuple[str, ...] = ()
    every = round(LINE_EVERY_S / LOOK_EVERY_S)
    while not stop.is_set():
        snapshot = _look(playing)
        troubles = playing.troubles() if snapshot else (DATABASE_AWAY, *playing.troubles())
        if troubles != told:
            for trouble in troubles or ("over",):
                _say(f"trouble: {trouble}")
        told = troubles
        if snapshot is not None:
            now = rates.update(snapshot)
            if looks % every == 0:
                _say(_line(snapshot, now, playing))
            looks += 1
        stop.wait(LOOK_EVERY_S)


def _say(text: str) -> None:
    """Write one whole line at once; a log takes no control characters."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    sys.stdout.write(f"{datetime.now().astimezone():%H:%M:%S} {printable}\n")
    sys.stdout.flush()


def _line(snapshot: Snapshot, rates: tuple[float, float], playing: Playing) -> str:
    stages = ", ".join(f"{name} {figures.referrals}" for name, figures in sorted(snapshot.stages.items()))
    overdue = sum(figures.overdue for figures in snapshot.stages.values())
    figures = ", ".join(figures_of(snapshot, rates, playing.own_figures()))
    return f"demo{playing.policy(snapshot)}: {figures}, overdue {overdue} | {stages}"


def _look(playing: Playing) -> Snapshot | None:
    try:
        with psycopg.connect(playing.addresses["DATABASE_URL"], connect_timeout=5) as connection:
            return take_snapshot(connection)
    except psycopg.Error:
        return None
