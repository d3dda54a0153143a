"""`baton quarantine`: records that could not be applied: list, show, retry, discard."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from baton.refusal import Refused

if TYPE_CHECKING:
    from baton.quarantine import QuarantinedRecord, Quarantines
    from runtime.quarantine import QuarantineState

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the quarantined record.")]
ALL = "all"
OPEN = "open"


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    quarantine = typer.Typer(help="Records that could not be applied, and those that wait behind them.")
    quarantine.command("list")(list_records)
    quarantine.command()(show)
    quarantine.command()(retry)
    quarantine.command()(discard)
    app.add_typer(quarantine, name="quarantine", no_args_is_help=True)


def list_records(
    service: Annotated[str | None, typer.Option(help="Only this service.")] = None,
    state: Annotated[str, typer.Option(help="quarantined, parked, retrying, resolved, discarded, open or all.")] = OPEN,
    as_json: Json = False,
) -> None:
    """List records in quarantine, oldest first; never what they hold."""
    states = _states(state)
    with _quarantines() as quarantines:
        records = quarantines.find(service=service, states=states)
    if as_json:
        typer.echo(json.dumps([record.as_json() for record in records]))
        return
    for record in records:
        shown = record.as_json()
        typer.echo(
            f"{record.quarantine_id}  {record.service:8} {record.state.value:11} {record.reason:26}"
            f" {record.topic}/{record.partition}/{record.offset}  key {shown['key'] or '-'}  attempts {record.attempts}"
        )
    typer.echo(f"{len(records)} records", err=True)


def show(
    record_id: Id,
    raw: Annotated[bool, typer.Option("--raw", help="Write the untouched bytes to standard output instead.")] = False,
    as_json: Json = False,
) -> None:
    """Show what is known of one record; its bytes only with --raw, as they may hold patient data."""
    with _quarantines() as quarantines:
        record = quarantines.get(record_id)
        if raw:
            sys.stdout.buffer.write(quarantines.value(record) or b"")
            return
    if as_json:
        typer.echo(json.dumps(record.as_json()))
        return
    for name, value in record.as_json().items():
        typer.echo(f"{name:15} {', '.join(value) if isinstance(value, list) else value}")


def retry(
    record_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Id of the quarantined record.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every open record.")] = False,
    key: Annotated[str | None, typer.Option(help="Every open record of this key.")] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the services' answers.")] = 30.0,
    as_json: Json = False,
) -> None:
    """Drive records again through their topic, with all that wait behind them, in order."""
    from baton.quarantine import Retry
    from baton.target import target_settings

    if (record_id is not None) + everything + (key is not None) != 1:
        raise typer.BadParameter("name one ID, or --key, or --all")
    with _quarantines() as quarantines:
        chosen = _chosen(quarantines, record_id, key)
        report = Retry(quarantines, target_settings()).run(chosen, wait_s=wait)
    if as_json:
        failed, waiting = ([r.as_json() for r in records] for records in (report.failed, report.waiting))
        typer.echo(json.dumps({"driven": report.driven, "failed": failed, "waiting": waiting}))
    else:
        typer.echo(f"{report.driven} driven again, {len(report.failed)} open, {len(report.waiting)} not answered yet")
    if report.failed:
        first = report.failed[0]
        raise Refused(f"{len(report.failed)} still open; {first.quarantine_id} of {first.service}: {first.reason}")
    if report.waiting and wait:
        raise Refused("no answer in time; does the service run?")


def discard(
    record_id: Id, as_user: Annotated[str, typer.Option("--as", metavar="USER", help="Staff user who decides.")]
) -> None:
    """Give a record up for good; what waits behind it can then be retried."""
    from runtime.clock import MachineClock

    with _quarantines() as quarantines:
        record = quarantines.discard(record_id, user=as_user, at=MachineClock().now())
        behind = quarantines.find(service=record.service, key=record.key) if record.key else []
    typer.echo("discarded")
    if behind:
        typer.echo(f"{len(behind)} records wait behind it: baton quarantine retry {behind[0].quarantine_id}", err=True)


def _chosen(quarantines: "Quarantines", record_id: str | None, key: str | None) -> "list[QuarantinedRecord]":
    from baton.quarantine import OPEN as OPEN_STATES

    if record_id is None:
        return quarantines.find(key=None if key is None else key.encode())
    record = quarantines.get(record_id)
    if record.state not in OPEN_STATES:
        raise Refused(f"the record is {record.state.value}")
    return [record]


def _states(word: str) -> "list[QuarantineState]":
    from baton.quarantine import OPEN as OPEN_STATES
    from runtime.quarantine import QuarantineState

    if word == ALL:
        return list(QuarantineState)
    if word == OPEN:
        return list(OPEN_STATES)
    try:
        return [QuarantineState(word)]
    except ValueError:
        raise typer.BadParameter(f"no state {word}") from None


@contextmanager
def _quarantines() -> "Iterator[Quarantines]":
    import psycopg

    from baton.quarantine import Quarantines
    from baton.target import target_environment

    with psycopg.connect(target_environment(os.environ, ("DATABASE_URL",))["DATABASE_URL"]) as connection:
        yield Quarantines(connection)
