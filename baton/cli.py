"""The `baton` command, put together from the modules in `baton/commands`."""

import importlib
import pkgutil
import sys
from typing import Annotated, NoReturn

import typer

from baton import commands
from baton.plain_errors import plain_words
from baton.refusal import Refused
from runtime.version import version_of_baton

REFUSED = 1
#: commands that people wait for: found at once, without bringing in what the others need
QUICK = {"status", "timeline", "command"}
QUICK_MODULES = ["command", "query"]


def build() -> typer.Typer:
    """Put the command together: every module of `baton/commands` registers its own; quick ones alone."""
    app = typer.Typer(
        name="baton",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.callback()(_baton)
    for module in _modules(sys.argv[1:2]):
        importlib.import_module(f"{commands.__name__}.{module}").register(app)
    return app


def _modules(first_word: list[str]) -> list[str]:
    if QUICK.intersection(first_word):
        return QUICK_MODULES
    return sorted(found.name for found in pkgutil.iter_modules(commands.__path__))


def main() -> None:
    """Run the command; 0 is done, 1 refused or failed with the reason on stderr, 2 wrong usage."""
    try:
        build()()
    except Refused as refusal:
        _refuse(str(refusal))
    except Exception as error:
        if (words := plain_words(error)) is None:
            raise
        _refuse(words)


def _refuse(words: str) -> NoReturn:
    sys.stderr.write(f"baton: {words}\n")
    sys.exit(REFUSED)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"baton {version_of_baton()}")
        raise typer.Exit


def _baton(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version.")
    ] = False,
) -> None:
    """A referral is handed on, never dropped."""
