"""Ask for a change of a referral: `baton command REFERRAL ACTION`."""

import json
import uuid
from typing import Annotated, Any

import typer

from baton.board_client import BoardClient, Reply, board_for
from baton.refusal import Refused
from baton.wishes import Action, Unusable, Wish, command_body, correction_body

Text = Annotated[str | None, typer.Option()]
APPLIED = "applied"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(command)


def command(  # noqa: PLR0913 - the words of a command line
    referral: Annotated[str, typer.Argument(help="Referral id.")],
    action: Annotated[Action, typer.Argument(help="What to do.")],
    value: Annotated[
        str | None, typer.Argument(help="Task id, stage, outcome, priority or note, as the action takes it.")
    ] = None,
    *,
    as_user: Annotated[str, typer.Option("--as", metavar="USER", help="Staff user who acts.")],
    to: Annotated[str | None, typer.Option(help="Stage to move or reopen to.")] = None,
    reason: Annotated[str | None, typer.Option(help="Reason code; for correct, the reason for referral.")] = None,
    comment: Text = None,
    type: Annotated[str | None, typer.Option(help="Type of the task to complete.")] = None,
    outcome: Annotated[str | None, typer.Option(help="How a call ended.")] = None,
    id: Annotated[str | None, typer.Option(help="The scheduling system's id of the appointment.")] = None,
    status: Annotated[str | None, typer.Option(help="What happened to the appointment.")] = None,
    at: Annotated[str | None, typer.Option(help="Start of the appointment, with its zone.")] = None,
    given_name: Text = None,
    last_name: Text = None,
    birth_date: Annotated[str | None, typer.Option(help="YYYY-MM-DD")] = None,
    sex: Text = None,
    phone: Text = None,
    mrn: Text = None,
    specialty: Text = None,
    referring_provider: Text = None,
    version: Annotated[
        int | None, typer.Option(help="Version the wish is based on; for appointment, the scheduling system's own.")
    ] = None,
    command_id: Annotated[str | None, typer.Option(help="Id of the command; the same id twice is one command.")] = None,
    wait: Annotated[float, typer.Option(min=0, max=30, help="Seconds to wait for the answer.")] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Ask for a change of a referral and tell how it ended."""
    given = locals()
    wish = Wish(**{name: given[name] for name in Wish.__dataclass_fields__})
    board = board_for(as_user)
    known = board.get("referrals", referral)
    try:
        reply = _ask(board, wish, known, command_id=command_id or str(uuid.uuid4()), wait_s=wait)
    except Unusable as unusable:
        raise typer.BadParameter(str(unusable)) from None
    _tell(reply, as_json=as_json)


def _ask(board: BoardClient, wish: Wish, known: dict[str, Any], *, command_id: str, wait_s: float) -> Reply:
    if wish.action is Action.CORRECT:
        body = correction_body(wish, known) | {"command_id": command_id}
        return board.post("patients", known["patient_id"], "corrections", body=body, wait_s=wait_s)
    body = command_body(wish, known) | {"command_id": command_id}
    return board.post("referrals", known["referral_id"], "commands", body=body, wait_s=wait_s)


def _tell(reply: Reply, *, as_json: bool) -> None:
    answer = reply.body
    if as_json:
        typer.echo(json.dumps(answer))
    if answer["outcome"] == APPLIED:
        if not as_json:
            typer.echo(_success(answer))
        return
    if answer["outcome"] == "pending":
        raise Refused(f"no answer yet; ask again with --command-id {answer['command_id']}")
    raise Refused(": ".join(part for part in ("refused", answer.get("rule"), answer.get("detail")) if part))


def _success(answer: dict[str, Any]) -> str:
    if answer.get("patient_id"):
        return f"applied: patient version {answer['patient_version']}"
    return f"applied: version {answer['version']}, stage {answer['stage']}"
