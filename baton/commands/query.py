"""Ask where a referral is and how it came there: status, timeline."""

import json
from typing import Annotated

import typer

from baton.board_client import board_for
from baton.board_text import referral_lines, timeline_lines
from baton.refusal import Refused

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
As = Annotated[str, typer.Option("--as", metavar="USER", help="Staff user who asks.")]
DEFAULT_USER = "adam"


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(status)
    app.command()(timeline)


def status(
    query: Annotated[str, typer.Argument(help="Referral id, patient name, date of birth, phone or MRN.")],
    as_user: As = DEFAULT_USER,
    as_json: Json = False,
) -> None:
    """Tell where referrals are, who owns the next step, when it is due and what they wait on."""
    found = board_for(as_user).post("search", body={"query": query}).body
    if as_json:
        typer.echo(json.dumps({"query": query, **found}))
    if not found["referrals"]:
        raise Refused("no referral found")
    if not as_json:
        _show(found)


def timeline(
    referral: Annotated[str, typer.Argument(help="Referral id.")], as_user: As = DEFAULT_USER, as_json: Json = False
) -> None:
    """Tell each wait of a referral, on whom and for how long."""
    found = board_for(as_user).get("referrals", referral, "timeline")
    if as_json:
        typer.echo(json.dumps(found))
    else:
        typer.echo("\n".join(timeline_lines(found)))


def _show(found: dict[str, object]) -> None:
    from runtime.clock import MachineClock

    now = MachineClock().now()
    referrals = found["referrals"]
    assert isinstance(referrals, list)  # noqa: S101 - the board's own answer
    typer.echo("\n\n".join("\n".join(referral_lines(referral, now=now)) for referral in referrals))
    if not found["is_complete"]:
        typer.echo("\nthere are more; say more of the patient")
