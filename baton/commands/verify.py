"""`baton verify`: check a running deployment against its promise, without changing anything."""

import json
from typing import Annotated

import typer

from baton.refusal import Refused

WITHIN_S = 30.0


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(verify)


def verify(
    within: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long records may be on their way.")
    ] = WITHIN_S,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Compare topics and tables; tell what was lost, doubled, or says something else."""
    from baton.target import target_settings
    from baton.verify.run import verify as verify_deployment

    report = verify_deployment(target_settings(), within_s=within)
    typer.echo(json.dumps(report.as_json()) if as_json else "\n".join(report.lines()))
    if not report.is_sound:
        wrong = [verdict.invariant.value for verdict in report.verdicts if verdict.disagreements]
        raise Refused(f"topics and tables disagree: {', '.join(wrong)}")
