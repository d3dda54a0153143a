"""`baton migrate`: create or update the tables of every service."""

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(migrate)


def migrate() -> None:
    """Bring the database to the newest tables."""
    from baton.migrations import migrate as migrate_database
    from baton.target import target_settings

    migrate_database(target_settings().database_url)
    typer.echo("database is up to date")
