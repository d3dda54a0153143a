"""`baton bench`: measure a part of Baton beside its baseline."""

import dataclasses
import json
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer


class Bench(StrEnum):
    """What can be measured."""

    PIPELINE = "pipeline"
    INTAKE = "intake"
    MATCHER = "matcher"
    STAGER = "stager"
    SLA = "sla"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(bench)


def bench(
    what: Annotated[Bench, typer.Argument(help="What to measure.")],
    records: Annotated[int | None, typer.Option(min=100, help="How many records; default fits the bench.")] = None,
    patients: Annotated[int, typer.Option(min=0, help="Known patients before the matcher's run.")] = 100_000,
    clocks: Annotated[int, typer.Option(min=0, help="Open clocks during the sla run.")] = 100_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Measure beside a baseline in the same run, on the running stack's broker and database."""
    from baton.bench.run import Load, run_bench
    from baton.target import target_settings

    load = Load(records=records, patients=patients, clocks=clocks)
    with TemporaryDirectory(prefix="baton-bench-") as folder:
        results = run_bench(what.value, target_settings(), Path(folder), load)
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(figures) for figures in results]))
        return
    for figures in results:
        row = {name: value for name, value in dataclasses.asdict(figures).items() if value is not None}
        typer.echo("  ".join(f"{name}={value}" for name, value in row.items()))
