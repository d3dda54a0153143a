"""The `baton` command, put together from the modules in `baton/commands`."""

import importlib
import pkgutil
import sys

import typer

from baton import commands
from baton.refusal import Refused

REFUSED = 1


def build() -> typer.Typer:
    """Put the command together: every module of `baton/commands` registers its own."""
    app = typer.Typer(
        name="baton",
        help="A referral is handed on, never dropped.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    for module in sorted(found.name for found in pkgutil.iter_modules(commands.__path__)):
        importlib.import_module(f"{commands.__name__}.{module}").register(app)
    return app


def main() -> None:
    """Run the command; 0 is done, 1 refused or failed with the reason on stderr, 2 wrong usage."""
    try:
        build()()
    except Refused as refusal:
        sys.stderr.write(f"baton: {refusal}\n")
        sys.exit(REFUSED)
