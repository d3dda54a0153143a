"""Connections to Postgres: durable servers only, and never more rights than the service has."""

import psycopg
from psycopg import sql
from psycopg_pool import ConnectionPool

from runtime.settings import ServiceSettings

DURABLE_SETTINGS = ("fsync", "full_page_writes", "synchronous_commit")
CONNECT_TIMEOUT_S = 10

Connection = psycopg.Connection[tuple[object, ...]]


class NotDurable(Exception):
    """The database server may forget what it confirmed; switch fsync, full_page_writes and synchronous_commit on."""


def connect(settings: ServiceSettings, *, role: str | None = None) -> psycopg.Connection:
    """Open a connection that acts as the service's role.

    Raises:
        NotDurable: the server runs with a setting that can lose committed data.
    """
    connection = psycopg.connect(
        settings.database_url,
        connect_timeout=CONNECT_TIMEOUT_S,
        application_name=f"baton-{role or 'baton'}-{settings.instance}",
        keepalives_idle=5,
        keepalives_interval=2,
        keepalives_count=3,
        tcp_user_timeout=15_000,
    )
    prepare(connection, role=role)
    return connection


def prepare(connection: psycopg.Connection, *, role: str | None) -> None:
    """Check the server, limit hanging statements and take on the service's role."""
    _require_durable(connection)
    connection.execute("SET idle_in_transaction_session_timeout = '30s'")
    connection.execute("SET lock_timeout = '15s'")
    if role is not None:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(f"baton_{role}")))
    connection.commit()


def make_pool(settings: ServiceSettings, *, role: str, max_size: int = 8) -> ConnectionPool:
    """Return an opened pool of connections that act as a role."""
    pool = ConnectionPool(
        settings.database_url,
        min_size=1,
        max_size=max_size,
        kwargs={"connect_timeout": CONNECT_TIMEOUT_S, "application_name": f"baton-{role}-{settings.instance}"},
        configure=lambda connection: prepare(connection, role=role),
        open=False,
    )
    pool.open()
    return pool


def _require_durable(connection: psycopg.Connection) -> None:
    # a statement each: one round trip with a row per setting
    rows = connection.execute(
        "SELECT name FROM pg_catalog.pg_settings WHERE name = ANY(%s) AND setting = 'off'", [list(DURABLE_SETTINGS)]
    ).fetchall()
    if rows:
        raise NotDurable(", ".join(str(row[0]) for row in rows))
