"""`baton directory load`: say which networks, clinics and people there are."""

import os
from pathlib import Path
from typing import Annotated

import typer

from baton.refusal import Refused

directory = typer.Typer(help="Networks, clinics and staff.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(directory, name="directory")


@directory.callback()
def group() -> None:
    """Networks, clinics and staff."""


@directory.command()
def load(
    file: Annotated[Path | None, typer.Argument(help="Directory file; without one the synthetic demo network.")] = None,
) -> None:
    """Load networks, clinics and staff; what is there already is updated, nobody is removed."""
    from baton.directory.document import DEFAULT_FILE, UnusableDirectory, read_directory
    from baton.directory.loading import load as write
    from baton.target import target_environment

    try:
        content = read_directory(file or DEFAULT_FILE)
    except UnusableDirectory as unusable:
        raise Refused(str(unusable)) from None
    write(target_environment(os.environ, ("DATABASE_URL",))["DATABASE_URL"], content)
    people = sum(len(network.staff) for network in content.networks)
    typer.echo(f"{len(content.networks)} networks, {people} people")
