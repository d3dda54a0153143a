"""What the database shows to whom, whatever the code above it asks (row and column rules)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import sql

from baton.stack.addresses import Addresses
from schemas.vocabulary import Role
from services.board.rules.access import VISIBLE, ColumnGroup, database_role_of
from services.board.store.session import (
    SQL_FOLDER,
    Pool,
    TooManyRights,
    UnknownPerson,
    open_pool,
    require_few_rights,
    session_of,
)
from tests.support.board import board_settings, migrated_database
from tests.support.network_rows import NetworkRows, SyntheticPatient, SyntheticReferral, multiply_patients

PEOPLE_TABLES = (
    "matcher.patient",
    "matcher.referral",
    "stager.referral",
    "stager.stage_history",
    "stager.task",
    "stager.document",
    "stager.command",
    "courier.notice",
    "directory.staff",
)
COLUMN_OF_GROUP = {
    ColumnGroup.IDENTITY: ("matcher.patient", "last_name"),
    ColumnGroup.CLINICAL: ("matcher.referral", "reason"),
    ColumnGroup.INSURANCE: ("matcher.referral", "insurance_member_id"),
    ColumnGroup.COMMENT: ("stager.stage_history", "comment"),
}

INDEX_OF_SEARCH = {
    "by_name": "patient_name",
    "by_phone": "patient_phone",
    "by_birth_date": "patient_birth_date",
    "by_mrn": "patient_mrn",
}


@dataclass(frozen=True)
class World:
    """A database with two networks, and the board's way into it."""

    database_url: str
    pool: Pool
    harbor_referral: str
    hill_referral: str
    foreign_referral: str


@pytest.fixture(scope="module")
def world(stack: Addresses) -> Iterator[World]:
    with migrated_database(stack.database_url, "access") as url:
        ids = _fill(url)
        pool = open_pool(board_settings(url, board_pool_size=2))
        try:
            yield World(url, pool, *ids)
        finally:
            pool.close()


def _fill(url: str) -> tuple[str, str, str]:
    with psycopg.connect(url) as connection:
        own, other = NetworkRows(connection), NetworkRows(connection, "lakeside")
        own.add_directory()
        other.add_directory(suffix="-lakeside")
        own.add_patient(SyntheticPatient("p-harbor", "Mara", "Sentinel"))
        own.add_patient(SyntheticPatient("p-hill", "Nils", "Sentinel"))
        other.add_patient(SyntheticPatient("p-foreign", "Olga", "Sentinel"))
        harbor = own.add_referral(SyntheticReferral(number=1, patient_id="p-harbor"))
        hill = own.add_referral(SyntheticReferral(number=2, patient_id="p-hill", clinic_id="hill"))
        foreign = other.add_referral(SyntheticReferral(number=3, patient_id="p-foreign"))
        own.add_notice(clinic_id="harbor", team="intake", referral_ids=[harbor])
        other.add_notice(clinic_id="harbor", team="intake", referral_ids=[foreign])
        for rows, referral_id in ((own, harbor), (other, foreign)):
            rows.insert("stager.command", _command(referral_id))
    return harbor, hill, foreign


def _command(referral_id: str) -> dict[str, object]:
    return {
        "command_id": f"command-{referral_id}",
        "referral_id": referral_id,
        "action": "claim",
        "outcome": "applied",
        "by_user": "someone",
        "by_role": "intake",
        "at": "2026-11-20T16:00:00Z",
    }


def _networks(world: World, user_id: str, table: str) -> set[str]:
    with session_of(world.pool, user_id) as session:
        statement = sql.SQL("SELECT DISTINCT network_id FROM {}").format(sql.Identifier(*table.split(".")))
        return {str(row[0]) for row in session.connection.execute(statement)}


@pytest.mark.parametrize("table", PEOPLE_TABLES)
def test_another_network_is_invisible(world: World, table: str) -> None:
    assert _networks(world, "sue", table) == {"riverside"}
    assert _networks(world, "sue-lakeside", table) == {"lakeside"}


@pytest.mark.parametrize("table", PEOPLE_TABLES)
def test_without_a_person_nothing_can_be_read(world: World, table: str) -> None:
    with world.pool.connection() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        if table == "directory.staff":
            assert connection.execute("SELECT * FROM directory.staff").fetchall() == []
        connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(*_unreadable(table).split("."))))


def _unreadable(table: str) -> str:
    return "directory.network" if table == "directory.staff" else table


@pytest.mark.parametrize("table", PEOPLE_TABLES)
def test_a_role_of_people_with_empty_settings_sees_nothing(world: World, table: str) -> None:
    with psycopg.connect(world.database_url) as connection:
        connection.execute("SET ROLE baton_board_supervisor")
        for name in ("baton.user", "baton.network", "baton.clinics", "baton.teams"):
            connection.execute("SELECT set_config(%s, '', true)", (name,))
        rows = connection.execute(
            sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*table.split(".")))
        ).fetchone()

    assert rows == (0,)


def test_a_network_without_clinics_is_not_all_clinics(world: World) -> None:
    with psycopg.connect(world.database_url) as connection:
        connection.execute("SET ROLE baton_board_supervisor")
        connection.execute("SELECT set_config('baton.network', 'riverside', true)")

        assert connection.execute("SELECT count(*) FROM stager.referral").fetchone() == (0,)


def test_a_person_of_one_clinic_sees_this_clinic_alone(world: World) -> None:
    with session_of(world.pool, "hilda") as session:
        referrals = session.connection.execute("SELECT referral_id FROM stager.referral").fetchall()
        patients = session.connection.execute("SELECT patient_id FROM matcher.patient").fetchall()
        comments = session.connection.execute("SELECT referral_id FROM stager.stage_history").fetchall()
        documents = session.connection.execute("SELECT referral_id FROM stager.document").fetchall()

    assert referrals == comments == documents == [(world.hill_referral,)]
    assert patients == [("p-hill",)]


def test_a_team_gets_its_own_notices_and_supervisors_all(world: World) -> None:
    assert _networks(world, "ivy", "courier.notice") == {"riverside"}
    assert _networks(world, "sam", "courier.notice") == set()
    assert _networks(world, "sue", "courier.notice") == {"riverside"}


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SERVICE])
@pytest.mark.parametrize("group", list(ColumnGroup))
def test_columns_are_granted_as_the_rules_say(world: World, role: Role, group: ColumnGroup) -> None:
    table, column = COLUMN_OF_GROUP[group]
    with psycopg.connect(world.database_url) as connection:
        row = connection.execute(
            "SELECT has_column_privilege(%s, %s, %s, 'SELECT')", (database_role_of(role), table, column)
        ).fetchone()

    assert row == (group in VISIBLE[role],)


def test_an_auditor_cannot_even_ask_for_a_name(world: World) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege), session_of(world.pool, "audrey") as session:
        session.connection.execute("SELECT last_name FROM matcher.patient")


@pytest.mark.parametrize("table", PEOPLE_TABLES)
@pytest.mark.parametrize("act", ["INSERT", "UPDATE", "DELETE", "TRUNCATE"])
def test_nobody_writes_through_the_board(world: World, table: str, act: str) -> None:
    with psycopg.connect(world.database_url) as connection:
        for role in [database_role_of(role) for role in VISIBLE] + ["baton_board"]:
            row = connection.execute("SELECT has_table_privilege(%s, %s, %s)", (role, table, act)).fetchone()
            assert row == (False,), role


def test_the_settings_of_one_person_do_not_reach_the_next(world: World) -> None:
    with session_of(world.pool, "sue"):
        pass

    with world.pool.connection() as connection:
        row = connection.execute("SELECT current_user, coalesce(current_setting('baton.network', true), '')").fetchone()

    assert row == ("baton_board", "")


def test_settings_that_outlive_their_transaction_never_go_back_into_the_pool(world: World) -> None:
    with world.pool.connection() as connection:
        dirty = connection.info.backend_pid
        connection.execute("SELECT set_config('baton.network', 'riverside', false)")
        connection.commit()

    seen = set()
    for _ in range(6):
        with world.pool.connection() as connection:
            seen.add(connection.info.backend_pid)

    assert dirty not in seen


def test_a_failed_transaction_leaves_nothing_behind(world: World) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero), session_of(world.pool, "sue") as session:
        session.connection.execute("SELECT 1 / 0")

    with world.pool.connection() as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("baton_board",)


@pytest.mark.parametrize("user_id", ["", "nobody", "ivy' OR 'a'='a"])
def test_who_is_not_in_the_directory_gets_no_transaction(world: World, user_id: str) -> None:
    with pytest.raises(UnknownPerson), session_of(world.pool, user_id):
        pass


def test_the_roles_of_the_board_own_nothing_and_cannot_log_in(world: World) -> None:
    with psycopg.connect(world.database_url) as connection:
        unsafe = connection.execute(
            """SELECT rolname FROM pg_roles WHERE rolname LIKE 'baton\\_%'
               AND (rolcanlogin OR rolsuper OR rolbypassrls
                    OR EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid))"""
        ).fetchall()

    assert unsafe == []


def test_the_board_refuses_to_work_as_the_owner_of_the_tables(world: World) -> None:
    with psycopg.connect(world.database_url) as connection:
        with pytest.raises(TooManyRights):
            require_few_rights(connection)
        connection.execute("SET ROLE baton_board")
        require_few_rights(connection)


def test_every_table_with_rules_binds_its_owner_too(world: World) -> None:
    with psycopg.connect(world.database_url) as connection:
        rows = connection.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"
        ).fetchall()

    assert {name for (name,) in rows} >= set(PEOPLE_TABLES)


def test_services_still_see_all_rows_of_their_own(world: World) -> None:
    with psycopg.connect(world.database_url) as connection:
        for role, table in (("baton_stager", "stager.referral"), ("baton_matcher", "matcher.patient")):
            connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
            statement = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*table.split(".")))
            assert connection.execute(statement).fetchone() == (3,)


def test_who_can_see_a_referral_is_a_query(world: World) -> None:
    with psycopg.connect(world.database_url) as connection:
        rows = connection.execute("SELECT user_id, reason, columns FROM board.who_can_see(%s)", (world.hill_referral,))
        answer = {user_id: (reason, columns) for user_id, reason, columns in rows}

    assert answer["hilda"][0] == "works for clinic hill"
    assert answer["ivy"][0] == "works for every clinic of network riverside"
    assert answer["audrey"][1] == []
    assert answer["sam"][1] == ["identity", "comment"]
    assert not any(user.endswith("-lakeside") for user in answer)


#: what a search may also be narrowed by, which could choose another index
ALSO_GIVEN = {"by_name": ("birth_date", "phone"), "by_phone": ("birth_date",)}


def test_the_search_uses_indexes_in_spite_of_the_row_rules(world: World) -> None:
    given = {"network_id": "riverside", "birth_date": "1984-03-20", "phone": "+16172000011", "mrn": "M11", "most": 50}
    names = {"last_names": ["sentinell"], "given_from": ["m"], "given_to": ["n"]}
    with psycopg.connect(world.database_url) as connection:
        multiply_patients(connection, "p-harbor", 5000)
        connection.execute("SELECT board.enter('ivy')")
        for name, index in INDEX_OF_SEARCH.items():
            query = b"EXPLAIN " + (SQL_FOLDER / f"{name}.sql").read_bytes()
            values = {**given, **names} | {other: None for other in ALSO_GIVEN.get(name, ())}
            plan = "\n".join(str(row[0]) for row in connection.execute(query, values))
            assert index in plan, plan
            assert "Seq Scan" not in plan, plan
            assert re.search(r"Index Cond: .*patient_id = CASE", plan), plan
        connection.rollback()
