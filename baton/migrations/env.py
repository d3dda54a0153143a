"""Alembic's entry: one connection, one transaction, one advisory lock."""

from typing import Any

import psycopg
from alembic import context
from sqlalchemy import create_engine, text

#: any constant; every migrating process takes the same lock
MIGRATION_LOCK = 7_205_414_901


def run() -> None:
    """Run the migrations that the command asked for."""
    url = context.config.attributes["database_url"]
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK})
        connection.commit()
        _configure(connection)
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    engine.dispose()


def _configure(connection: Any) -> None:
    context.configure(connection=connection, version_table="schema_version", transaction_per_migration=False)


run()
