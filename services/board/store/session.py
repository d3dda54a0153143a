"""One transaction in the name of one person; the database decides what it shows."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import structlog
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from runtime.postgres import CONNECT_TIMEOUT_S, prepare
from schemas.vocabulary import Role
from services.board.rules.access import ColumnGroup, sees
from services.board.settings import BoardSettings

SERVICE = "board"
SQL_FOLDER = Path(__file__).parent / "sql"
WAIT_FOR_CONNECTION_S = 5.0

log = structlog.get_logger()

Pool = ConnectionPool
Row = dict[str, Any]


class UnknownPerson(Exception):
    """The directory does not list this person."""


class Unreachable(Exception):
    """The database does not answer; try again."""


class UnusableValue(Exception):
    """A value cannot be used; it is not repeated here."""


class SettingsLeaked(Exception):
    """A connection came back to the pool with a person's settings still on it."""


class TooManyRights(Exception):
    """The board's database role may bypass row-level security; it must be neither superuser nor owner of a table."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks, as the directory has it."""

    user_id: str
    network_id: str
    name: str
    role: Role
    clinic_ids: tuple[str, ...]
    teams: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PatientRead:
    """A person was shown something of a patient or referral."""

    action: str
    clinic_id: str | None
    referral_id: str | None
    patient_id: str | None


@dataclass(slots=True)
class Session:
    """A person's transaction; remembers what was read, for the audit."""

    connection: psycopg.Connection
    person: Person
    reads: list[PatientRead] = field(default_factory=list)

    def rows(self, name: str, **parameters: object) -> list[Row]:
        """Run the statement of a file and return its rows."""
        given = {"network_id": self.person.network_id} | parameters
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(_statement(name), given).fetchall()

    def row(self, name: str, **parameters: object) -> Row | None:
        """Run the statement of a file and return its only row, if there is one."""
        return next(iter(self.rows(name, **parameters)), None)

    def sees(self, group: ColumnGroup) -> bool:
        """Tell whether the person sees a group of columns; the database refuses the others."""
        return sees(self.person.role, group)


def open_pool(settings: BoardSettings) -> Pool:
    """Return the pool of connections that can do nothing until they act for a person."""
    pool = ConnectionPool(
        settings.database_url,
        min_size=1,
        max_size=settings.board_pool_size,
        kwargs={"connect_timeout": CONNECT_TIMEOUT_S, "application_name": f"baton-{SERVICE}-{settings.instance}"},
        configure=_configure,
        check=ConnectionPool.check_connection,
        reset=_require_clean,
        timeout=WAIT_FOR_CONNECTION_S,
        open=False,
    )
    pool.open()
    return pool


@contextmanager
def session_of(pool: Pool, user_id: str) -> Iterator[Session]:
    """Open a transaction in which the database shows what this person may see.

    Raises:
        UnknownPerson: nobody of this id works in any network.
        Unreachable: the database does not answer.
        UnusableValue: the database cannot hold a value that was asked for.
    """
    try:
        with pool.connection() as connection, connection.transaction():
            yield Session(connection, _enter(connection, user_id))
    except (psycopg.OperationalError, PoolTimeout) as error:
        log.warning("database_unreachable", error=error)
        raise Unreachable from None
    except psycopg.DataError as error:
        if error.sqlstate is not None:
            raise  # not the driver refusing a value, but a statement that is wrong
        raise UnusableValue from None


def is_reachable(pool: Pool) -> bool:
    """Tell whether the database answers."""
    try:
        with pool.connection(timeout=1.0) as connection:
            connection.execute("SELECT 1")
    except (psycopg.Error, PoolTimeout):
        return False
    return True


def require_few_rights(connection: psycopg.Connection) -> None:
    """Refuse a database role that row-level security does not bind.

    Raises:
        TooManyRights: it is a superuser, bypasses the rules or owns tables.
    """
    row = connection.execute(_statement("own_rights")).fetchone()
    if row is None or row[0]:
        raise TooManyRights


def _enter(connection: psycopg.Connection, user_id: str) -> Person:
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(_statement("enter"), {"user_id": user_id}).fetchone()
    if found is None or found["user_id"] is None:
        raise UnknownPerson
    return Person(
        user_id=found["user_id"],
        network_id=found["network_id"],
        name=found["name"],
        role=Role(found["role"]),
        clinic_ids=tuple(found["clinic_ids"]),
        teams=tuple(found["teams"]),
    )


def _configure(connection: psycopg.Connection) -> None:
    prepare(connection, role=SERVICE)
    require_few_rights(connection)
    connection.commit()


def _require_clean(connection: psycopg.Connection) -> None:
    if connection.info.transaction_status is not TransactionStatus.IDLE:
        connection.rollback()
    row = connection.execute(_statement("left_over")).fetchone()
    connection.commit()
    if row is None or row[0]:
        raise SettingsLeaked


@cache
def _statement(name: str) -> bytes:
    return (SQL_FOLDER / f"{name}.sql").read_bytes()
