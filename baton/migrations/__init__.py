"""Bring a database to the newest tables of every service."""

from pathlib import Path

from alembic import command
from alembic.config import Config

ROOT = Path(__file__).resolve().parents[2]


def migrate(database_url: str) -> None:
    """Apply every migration that the database lacks; concurrent calls wait for one another."""
    command.upgrade(alembic_config(database_url), "heads")


def alembic_config(database_url: str) -> Config:
    """Return the configuration: one linear history for the runtime and one for each service."""
    folders = [ROOT / "runtime" / "migrations", *sorted((ROOT / "services").glob("*/migrations"))]
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(map(str, folders)))
    config.attributes["database_url"] = database_url
    return config
