"""Connections to Postgres: durable servers only, and never more rights than the service has."""

import psycopg
from psycopg import sql
from psycopg_pool import ConnectionPool

from runtime.settings import ServiceSettings
from runtime.unavailable import InfrastructureUnavailable

DURABLE_SETTINGS = ("fsync", "full_page_writes", "synchronous_commit")
CONNECT_TIMEOUT_S = 10

#: SQLSTATE classes that tell of the data: exceptions of values, violated constraints, limits of the program,
#: and what PL/pgSQL raises. All others tell of the server, the connection, or tables and rights that are not there
DATA_CLASSES = frozenset({"21", "22", "23", "44", "54", "P0"})

Connection = psycopg.Connection[tuple[object, ...]]


class NotDurable(Exception):
    """The database server may forget what it confirmed; switch fsync, full_page_writes and synchronous_commit on."""


def connect(settings: ServiceSettings, *, role: str | None = None, session: str | None = None) -> psycopg.Connection:
    """Open a connection that acts as the service's role.

    `session` names a connection beside that of the service's step, which a successor of the step must not end.

    Raises:
        NotDurable: the server runs with a setting that can lose committed data.
    """
    connection = psycopg.connect(
        settings.database_url,
        connect_timeout=CONNECT_TIMEOUT_S,
        application_name=_application_name(settings, session or role),
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
    # shorter than the wait for a lock, so that whoever waits behind a process that sleeps outlives its transaction
    connection.execute("SET idle_in_transaction_session_timeout = '10s'")
    connection.execute("SET lock_timeout = '15s'")
    if role is not None:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(f"baton_{role}")))
    connection.commit()


def end_predecessor(connection: psycopg.Connection, settings: ServiceSettings, *, role: str) -> None:
    """End the sessions of an earlier process of the same service and slot; it may sleep with locks in hand.

    Kafka fences such a process by itself; here its open transaction would block its successor.
    """
    connection.execute("RESET ROLE")
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
        " AND datname = current_database() AND usename = session_user AND pid <> pg_backend_pid()",
        [_application_name(settings, role)],
    )
    connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(f"baton_{role}")))
    connection.commit()


def allow_long_thought(connection: psycopg.Connection) -> None:
    """Lift the limit on idle transactions, for a service that thinks long while it holds no locks."""
    connection.execute("SET idle_in_transaction_session_timeout = 0")
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


def _application_name(settings: ServiceSettings, session: str | None) -> str:
    return f"baton-{session or 'baton'}-{settings.instance}"


def is_away(error: Exception) -> bool:
    """Tell whether a part of the deployment failed, the database among them, and no record."""
    if isinstance(error, psycopg.Error):
        return not is_record_to_blame(error)
    return isinstance(error, InfrastructureUnavailable)


def is_record_to_blame(error: psycopg.Error) -> bool:
    """Tell whether an error comes from the data that a record brought, so that another record may go well."""
    if error.sqlstate is None:
        # raised by the driver itself: a value it can not adapt, or a connection that is gone
        return isinstance(error, psycopg.DataError | psycopg.ProgrammingError)
    return error.sqlstate[:2] in DATA_CLASSES or isinstance(error, psycopg.errors.InFailedSqlTransaction)
