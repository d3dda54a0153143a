"""`baton audit verify`: recompute every audit chain."""

import json
import os
from typing import Annotated

import typer

from baton.refusal import Refused

audit = typer.Typer(help="The record of every change and every read of a patient.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(audit, name="audit")


@audit.callback()
def group() -> None:
    """The record of every change and every read of a patient."""


@audit.command()
def verify(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False) -> None:
    """Recompute every chain; fail at the first row that does not follow from the one before."""
    import psycopg

    from baton.target import target_environment
    from runtime.audit import verify_chains

    with psycopg.connect(target_environment(os.environ, ("DATABASE_URL",))["DATABASE_URL"]) as connection:
        # chains grow meanwhile: their ends and their rows have to be seen at the same instant
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        reports = list(verify_chains(connection))
    if as_json:
        chains = [{"chain": r.chain_id, "entries": r.entries, "broken_at": r.broken_at} for r in reports]
        typer.echo(json.dumps({"chains": chains, "is_whole": all(r.broken_at is None for r in reports)}))
    else:
        for r in reports:
            state = "whole" if r.broken_at is None else f"BROKEN at {r.broken_at}"
            typer.echo(f"{r.chain_id:20} {r.entries:8} entries  {state}")
    if broken := [r.chain_id for r in reports if r.broken_at is not None]:
        raise Refused(f"broken: {', '.join(broken)}")
