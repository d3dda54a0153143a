"""The audit chain on a real server: append-only, and any row that is changed, lost or added is found."""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from baton.migrations import migrate
from baton.stack.addresses import Addresses
from runtime.audit import AuditEntry, append_audit, detail_of, verify_chains
from tests.support.databases import temporary_database

CHAIN = "stager-0"
TAMPERING = {
    "at": "at + interval '1 microsecond'",
    "actor": "actor || 'x'",
    "actor_role": "'administrator'",
    "action": "'read'",
    "network_id": "'lakeside'",
    "clinic_id": "NULL",
    "referral_id": "''",
    "patient_id": "'p-2'",
    "cause_id": "'c-9'",
    "detail": "detail || ' '",
    "previous_hash": "md5('x')",
    "hash": "md5('x')",
    "position": "99",
}


@pytest.fixture(scope="module")
def database(stack: Addresses) -> Iterator[str]:
    with temporary_database(stack.database_url) as url:
        migrate(url)
        with psycopg.connect(url) as connection:
            append_audit(connection, CHAIN, [entry(1), entry(2)])
            append_audit(connection, CHAIN, [entry(3)])
            append_audit(connection, "other", [entry(1)])
        yield url


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection]:
    """A connection whose changes are taken back after the test."""
    with psycopg.connect(database) as opened:
        yield opened
        opened.rollback()


def entry(number: int) -> AuditEntry:
    return AuditEntry(
        at=datetime(2026, 11, 20, 20, number, tzinfo=UTC),
        actor="ivy",
        actor_role="intake",
        action="change",
        network_id="riverside",
        clinic_id="harbor",
        referral_id="r-1",
        patient_id="p-1",
        cause_id=f"c-{number}",
        detail=detail_of({"n": number}),
    )


def broken(connection: psycopg.Connection) -> dict[str, int | None]:
    return {report.chain_id: report.broken_at for report in verify_chains(connection)}


def tamper(connection: psycopg.Connection, statement: str) -> None:
    connection.execute("ALTER TABLE audit.entry DISABLE TRIGGER append_only")
    connection.execute(statement.encode())


def test_an_untouched_chain_is_whole(connection: psycopg.Connection) -> None:
    assert broken(connection) == {CHAIN: None, "other": None}


@pytest.mark.parametrize("column", TAMPERING)
def test_a_changed_column_is_found_where_it_is(connection: psycopg.Connection, column: str) -> None:
    where = f"chain_id = '{CHAIN}' AND position = 2"

    tamper(connection, f"UPDATE audit.entry SET {column} = {TAMPERING[column]} WHERE {where}")

    assert broken(connection) == {CHAIN: 2, "other": None}


@pytest.mark.parametrize(("lost", "found_at"), [(1, 1), (2, 2), (3, 3)])
def test_a_lost_row_is_found_even_at_the_end(connection: psycopg.Connection, lost: int, found_at: int) -> None:
    tamper(connection, f"DELETE FROM audit.entry WHERE chain_id = '{CHAIN}' AND position = {lost}")

    assert broken(connection)[CHAIN] == found_at


def test_a_row_that_was_put_at_the_end_is_found(connection: psycopg.Connection) -> None:
    tamper(
        connection,
        "INSERT INTO audit.entry SELECT chain_id, 4, at, actor, actor_role, action, network_id, clinic_id, referral_id,"
        f" patient_id, cause_id, detail, hash, hash FROM audit.entry WHERE chain_id = '{CHAIN}' AND position = 3",
    )

    assert broken(connection)[CHAIN] == 4


def test_an_end_that_was_moved_is_found(connection: psycopg.Connection) -> None:
    connection.execute("UPDATE audit.chain SET length = 2 WHERE chain_id = %s", [CHAIN])

    assert broken(connection)[CHAIN] is not None


@pytest.mark.parametrize(
    "statement", ["UPDATE audit.entry SET actor = 'x'", "DELETE FROM audit.entry", "TRUNCATE audit.entry"]
)
def test_rows_can_neither_be_changed_nor_removed(connection: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.RaiseException):
        connection.execute(statement.encode())


def test_a_lost_transaction_leaves_the_chain_whole(connection: psycopg.Connection) -> None:
    append_audit(connection, CHAIN, [entry(4)])
    connection.rollback()
    assert broken(connection)[CHAIN] is None

    append_audit(connection, CHAIN, [entry(5)])

    assert broken(connection) == {CHAIN: None, "other": None}
