"""`baton rebuild`: fill an empty database from the topics, and compare it with the live one."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from baton.refusal import Refused

if TYPE_CHECKING:
    from baton.rebuild.comparing import Comparison
    from baton.rebuild.run import Rebuilt


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(rebuild)


def rebuild(
    into: Annotated[str, typer.Option(metavar="DATABASE_URL", help="The empty database to be filled.")],
    compare: Annotated[
        bool, typer.Option("--compare", help="Only compare it with the live one; fill nothing.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail also over what may differ with the order of events.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Fill an empty database from the topics and compare it with the live one, where that can be reached."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    from baton.rebuild.comparing import compare_if_reachable
    from baton.rebuild.run import Rebuild
    from baton.target import target_settings

    try:
        conninfo_to_dict(into)
    except ProgrammingError:
        raise typer.BadParameter("--into is no address of a database") from None
    settings = target_settings()
    rebuilt = None if compare else Rebuild(settings, into).run()
    compared = compare_if_reachable(settings.database_url, into)
    if compare and compared is None:
        raise Refused("one of the databases can not be read")
    if as_json:
        typer.echo(json.dumps({"rebuilt": rebuilt and rebuilt.as_json(), "compared": compared and _rows(compared)}))
    else:
        typer.echo("\n".join([*(rebuilt.lines() if rebuilt else ()), *(one.line() for one in compared or ())]))
    _judge(rebuilt, compared or [], strict=strict)


def _judge(rebuilt: "Rebuilt | None", compared: "list[Comparison]", *, strict: bool) -> None:
    different = [one.name for one in compared if not one.is_same and (one.is_exact or strict)]
    if different:
        raise Refused(f"the rebuilt database is not the same: {', '.join(different)}")
    if rebuilt is not None and strict and not rebuilt.is_as_announced:
        raise Refused("some inputs were decided in another way than the topics tell")


def _rows(compared: "list[Comparison]") -> list[dict[str, Any]]:
    return [
        {
            "content": one.name,
            "is_same": one.is_same,
            "is_exact": one.is_exact,
            "rows": list(one.rows),
            "hashes": list(one.hashes),
            "different": one.different,
            "keys": list(one.keys),
        }
        for one in compared
    ]
