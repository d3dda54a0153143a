"""Hand messages in: `baton send PATH...`."""

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from baton.refusal import Refused
from schemas.vocabulary import Channel

if TYPE_CHECKING:
    from baton.board_client import BoardClient
    from baton.sending import Receipt

DEFAULT_USER = "adam"
LOOK_EVERY_S = 0.1


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(send)


def send(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, or folders with one per channel.")],
    channel: Annotated[Channel | None, typer.Option(help="Else the name of the folder, or the likeliest.")] = None,
    network: Annotated[str | None, typer.Option(help="Whose it is; the door's default otherwise.")] = None,
    clinic: Annotated[str | None, typer.Option(help="Which clinic's; the door's default otherwise.")] = None,
    key: Annotated[
        str | None, typer.Option(envvar="INTAKE_KEY", help="Source key, where the door asks for one.")
    ] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait until the referrals are on the board.")] = 0.0,
    as_user: Annotated[
        str, typer.Option("--as", metavar="USER", help="Staff user who looks at the board.")
    ] = DEFAULT_USER,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON line for each file.")] = False,
) -> None:
    """Hand files in as their senders would, and tell what became of them."""
    from baton.board_client import board_for
    from baton.sending import files_in, open_doors

    doors = open_doors(os.environ, network=network, clinic=clinic, key=key)
    board = board_for(as_user) if wait else None
    files = list(files_in(paths, channel))
    if not files:
        raise Refused("no file to send; files of a folder are sent when their own folder is named like a channel")
    troubles = 0
    for path, by in files:
        row: dict[str, Any] = {"path": str(path), "channel": by.value}
        try:
            receipts = doors.hand_in(path, by)
            row["referrals"] = [_row(receipt) for receipt in receipts]
            if board is not None:
                _await_all(board, row["referrals"], wait)
        except Refused as refusal:
            row["error"] = str(refusal)
            troubles += 1
        _tell(row, as_json=as_json)
        if "error" in row and len(files) > 1:
            sys.stderr.write(f"{path}: {row['error']}\n")
    if troubles:
        raise Refused(f"{troubles} of {len(files)} files were not taken" if len(files) > 1 else row["error"])


def _row(receipt: "Receipt") -> dict[str, Any]:
    return {"submission_id": receipt.submission_id, "referral_id": receipt.referral_id}


def _await_all(board: "BoardClient", rows: list[dict[str, Any]], wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    for row in rows:
        shown = _await(board, row["referral_id"], deadline)
        row |= {"stage": shown["stage"], "missing_items": shown["missing_items"], "due_at": shown["due_at"]}


def _await(board: "BoardClient", referral_id: str, deadline: float) -> dict[str, Any]:
    from baton.board_client import NotThere

    while True:
        try:
            return dict(board.get("referrals", referral_id))
        except NotThere:
            if time.monotonic() > deadline:
                raise Refused(f"accepted, but referral {referral_id} is not on the board yet") from None
            time.sleep(LOOK_EVERY_S)


def _tell(row: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(row))
    for one in () if as_json else row.get("referrals", ()):
        words = [row["path"], f"referral {one['referral_id']}", f"submission {one['submission_id']}"]
        if "stage" in one:
            words.append(f"stage {one['stage']}")
        if one.get("missing_items"):
            words.append(f"missing {', '.join(one['missing_items'])}")
        typer.echo("  ".join(words))
