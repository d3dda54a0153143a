"""Start, stop and inspect the stack: up, down, ps, env, doctor."""

import json
import os
import shlex
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from baton.refusal import Refused
from baton.stack import control
from baton.stack.overview import Row, overview
from baton.stack.paths import home_from
from baton.stack.session import detached, foreground

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the commands of the stack."""
    for command in (up, down, ps, env, doctor):
        app.command()(command)


def up(
    demo: Annotated[bool, typer.Option("--demo/--no-demo", help="Play a synthetic network.")] = True,
    replicas: Annotated[
        int, typer.Option(min=1, envvar="BATON_REPLICAS", help="Processes of each pipeline service.")
    ] = 1,
    detach: Annotated[bool, typer.Option("--detach", help="Return when the stack is ready.")] = False,
) -> None:
    """Start everything and keep it running until Ctrl-C."""
    home = home_from(os.environ)
    arguments = ("--replicas", str(replicas))
    if detach:
        detached(home, arguments)
    else:
        foreground(home, arguments, demo=demo)


def down() -> None:
    """Stop the stack and wait until no process is left."""
    home = home_from(os.environ)
    stopped = control.stop(home)
    typer.echo(f"{'stopped the stack' if stopped else 'no stack runs'} in {home.root}")


def ps(as_json: Json = False) -> None:
    """List every process of the stack."""
    rows = overview(control.running(home_from(os.environ)))
    if as_json:
        typer.echo(json.dumps([row.model_dump(mode="json") for row in rows]))
    else:
        Console().print(_table(rows))


def env() -> None:
    """Print where the stack can be reached, as shell assignments."""
    addresses = control.running(home_from(os.environ)).addresses
    for name, value in addresses.as_environment().items():
        typer.echo(f"{name}={shlex.quote(value)}")


def doctor(as_json: Json = False) -> None:
    """Check what the stack needs and, when it runs, that every part answers."""
    from baton.stack.doctor import examine  # brings the database driver, which no other command needs at once

    findings = tuple(examine(home_from(os.environ), os.environ))
    if as_json:
        typer.echo(json.dumps([finding.model_dump() for finding in findings]))
    else:
        for finding in findings:
            typer.echo(f"{'ok     ' if finding.ok else 'WRONG  '}{finding.subject}: {finding.says}")
    if wrong := [finding.subject for finding in findings if not finding.ok]:
        raise Refused(f"something is wrong: {', '.join(wrong)}")


def _table(rows: tuple[Row, ...]) -> Table:
    table = Table("name", "slot", "pid", "state", "restarts", "lag", "says")
    for row in rows:
        cells = (row.name, row.slot, row.pid, row.state, row.restarts, row.lag, escape(row.says))
        table.add_row(*("-" if cell is None else str(cell) for cell in cells))
    return table
