"""Show the live view on the terminal, or a line now and then where there is none."""

import threading
from collections.abc import Callable, Mapping

import psycopg
from rich.console import Console
from rich.live import Live

from baton.demo.view import Rates, Snapshot, render, take_snapshot

LOOK_EVERY_S = 1.0
LINE_EVERY = 10


def watch(stack_env: Mapping[str, str], stop: threading.Event, troubles: Callable[[], tuple[str, ...]]) -> None:
    """Draw the view every second until told to stop."""
    console = Console()
    title = f"Baton · demo network with demo policy (minutes, not days) · board {stack_env['BOARD_URL']}"
    rates = Rates()
    with Live(console=console, auto_refresh=False) as live:
        looks = 0
        seen_troubles: tuple[str, ...] = ()
        while not stop.wait(LOOK_EVERY_S):
            snapshot, new_troubles = _look(stack_env["DATABASE_URL"]), troubles()
            if not console.is_terminal and new_troubles != seen_troubles:
                console.print(*new_troubles, sep="\n", markup=False, highlight=False, soft_wrap=True)
            seen_troubles = new_troubles
            if snapshot is None:
                continue
            figures = rates.update(snapshot)
            if console.is_terminal:
                live.update(render(snapshot, figures, title, new_troubles), refresh=True)
            elif looks % LINE_EVERY == 0:
                console.print(_line(snapshot, figures), soft_wrap=True)
            looks += 1


def _look(database_url: str) -> Snapshot | None:
    try:
        with psycopg.connect(database_url, connect_timeout=5) as connection:
            return take_snapshot(connection)
    except psycopg.Error:
        return None


def _line(snapshot: Snapshot, rates: tuple[float, float]) -> str:
    stages = ", ".join(f"{name} {count}" for name, (count, _, _) in sorted(snapshot.stages.items()))
    overdue = sum(late for _, late, _ in snapshot.stages.values())
    return (
        f"referrals {snapshot.referrals} ({rates[0]:.1f}/s), changes {snapshot.changes} ({rates[1]:.1f}/s),"
        f" overdue {overdue}, notices {snapshot.notices}, quarantine {snapshot.quarantine} | {stages}"
    )
