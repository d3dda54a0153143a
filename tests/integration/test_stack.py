"""The embedded infrastructure itself: it survives kills, keeps its data, and leaves nothing behind."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from baton.stack.addresses import Addresses
from baton.stack.embedded import EmbeddedStack
from baton.stack.kafka import Broker
from baton.stack.lag import lags
from baton.stack.paths import StackHome
from baton.stack.postgres import Database
from baton.stack.registry import Registry
from tests.support.stack import (
    ALONE,
    baton,
    commit,
    create_topic,
    fetch,
    kill,
    part,
    port_of,
    produce,
    produce_in_transaction,
    read_all,
    register,
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> StackHome:
    return StackHome(tmp_path_factory.mktemp("second") / "home")


@pytest.fixture(scope="module")
def own(stack: Addresses, home: StackHome) -> Iterator[Addresses]:
    """A second stack beside the shared one, for tests that kill."""
    with EmbeddedStack(home, ALONE) as addresses:
        yield addresses


def test_two_stacks_live_side_by_side(stack: Addresses, own: Addresses) -> None:
    assert own.kafka_bootstrap_servers != stack.kafka_bootstrap_servers
    assert own.schema_registry_url != stack.schema_registry_url
    assert own.database_url != stack.database_url


def test_killed_broker_comes_back_with_its_records(home: StackHome, own: Addresses) -> None:
    create_topic(own, "kept")
    produce(own, "kept", b"before")

    kill(home, "kafka")

    assert read_all(own, "kept") == [b"before"]


def test_killed_registry_keeps_the_ids_it_has_given(home: StackHome, own: Addresses) -> None:
    given = register(own, "subject-a", '{"type": "record", "name": "A", "fields": []}')

    kill(home, "registry")

    assert register(own, "subject-a", '{"type": "record", "name": "A", "fields": []}') == given
    assert register(own, "subject-b", '{"type": "record", "name": "B", "fields": []}') != given
    assert json.loads(fetch(f"{own.schema_registry_url}/schemas/ids/{given}"))["schema"]


def test_killed_database_keeps_what_it_confirmed(home: StackHome, own: Addresses) -> None:
    with psycopg.connect(own.database_url) as connection:
        connection.execute("create table kept as select 42 as answer")

    kill(home, "postgres")

    with psycopg.connect(own.database_url) as connection:
        assert connection.execute("select answer from kept").fetchone() == (42,)


def test_durability_cannot_be_turned_off(home: StackHome, own: Addresses) -> None:
    with psycopg.connect(own.database_url, autocommit=True) as connection:
        connection.execute("alter system set fsync = off")

    kill(home, "postgres")

    with psycopg.connect(own.database_url) as connection:
        assert connection.execute("show fsync").fetchone() == ("on",)


def test_database_log_stays_silent_about_contents(home: StackHome, own: Addresses) -> None:
    with psycopg.connect(own.database_url) as connection, pytest.raises(psycopg.Error):
        connection.execute("select 'sentinel-of-a-patient'::integer")
    with psycopg.connect(own.database_url) as connection, pytest.raises(psycopg.Error):
        connection.execute("create table t (a int); insert into absent values ('sentinel-of-a-patient')")

    log = home.log_of("postgres").read_text()
    assert "select" not in log
    assert "insert" not in log


def test_database_wants_the_password(own: Addresses) -> None:
    password = psycopg.conninfo.conninfo_to_dict(own.database_url)["password"]

    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(own.database_url.replace(f":{password}@", ":wrong@"))


def test_env_prints_shell_assignments(home: StackHome, own: Addresses) -> None:
    printed = baton(home, "env").stdout

    assigned = dict(line.split("=", 1) for line in shlex.split(printed))
    assert assigned["KAFKA_BOOTSTRAP_SERVERS"] == own.kafka_bootstrap_servers
    assert assigned["SCHEMA_REGISTRY_URL"] == own.schema_registry_url
    assert assigned["DATABASE_URL"] == own.database_url


def test_ps_lists_every_process_as_one_json_document(home: StackHome, own: Addresses) -> None:
    rows = json.loads(baton(home, "ps", "--json").stdout)

    assert [row["name"] for row in rows] == ["supervisor", "postgres", "kafka", "registry"]
    assert all(psutil.pid_exists(row["pid"]) and row["state"] == "running" for row in rows)
    assert set(rows[0]) == {"name", "slot", "pid", "state", "restarts", "lag", "says"}


def test_doctor_finds_a_running_stack_healthy(home: StackHome, own: Addresses) -> None:
    report = baton(home, "doctor")

    assert report.returncode == 0
    assert "WRONG" not in report.stdout
    assert "broker" in report.stdout


def test_second_up_on_the_same_home_is_refused(home: StackHome, own: Addresses) -> None:
    refused = baton(home, "up", "--no-demo")

    assert refused.returncode == 1
    assert refused.stderr.startswith(f"baton: a stack already runs in {home.root}")
    assert len(refused.stderr.strip().splitlines()) == 1


def test_lag_counts_unread_records_and_no_transaction_marks(own: Addresses) -> None:
    create_topic(own, "lagging")
    produce_in_transaction(own, "lagging", [b"1", b"2", b"3"])

    commit(own, "reader", "lagging", 1)
    behind = lags(own.kafka_bootstrap_servers, ["reader", "never-seen"])
    commit(own, "reader", "lagging", 3)
    at_the_end = lags(own.kafka_bootstrap_servers, ["reader"])

    assert behind["reader"] == 3, "two records and the mark behind them"
    assert behind["never-seen"] is None
    assert at_the_end == {"reader": 0}


def test_ps_says_why_a_process_ended(home: StackHome, own: Addresses) -> None:
    kill(home, "registry")

    (row,) = (row for row in json.loads(baton(home, "ps", "--json").stdout) if row["name"] == "registry")
    assert row["state"] == "running"
    assert "it ended with signal SIGKILL" in row["says"]


def test_answer_of_another_stack_does_not_count_as_ready(stack: Addresses, own: Addresses, home: StackHome) -> None:
    nowhere = home.temporary
    broker = Broker(
        java="java",
        jars=nowhere,
        data=home.kafka,
        log=nowhere,
        port=port_of(stack.kafka_bootstrap_servers),
        controller_port=1,
        temporary=nowhere,
        environment={},
    )
    registry = Registry(
        java="java",
        program=nowhere,
        data=home.registry,
        log=nowhere,
        port=urlsplit(stack.schema_registry_url).port or 0,
        temporary=nowhere,
        environment={},
    )
    database = Database(
        programs=nowhere, folder=home.postgres, log=nowhere, port=urlsplit(own.database_url).port or 0, environment={}
    )

    assert not broker.part().is_ready()
    assert replace(broker, port=port_of(own.kafka_bootstrap_servers)).part().is_ready()
    assert not registry.part().is_ready()
    assert not database.part().is_ready()


def test_everything_a_stack_writes_is_in_its_home(home: StackHome, own: Addresses) -> None:
    processes = [psutil.Process(part(home, name).pid) for name in ("kafka", "registry", "postgres")]

    elsewhere = {
        file.path
        for process in processes
        for member in (process, *process.children(recursive=True))
        for file in member.open_files()
        if "w" in file.mode or "a" in file.mode
        if not Path(file.path).is_relative_to(home.root) and not file.path.startswith(("/dev/", "/proc/"))
    }
    assert elsewhere == set()
    assert not [path for process in processes for path in Path("/tmp").glob(f"hsperfdata_*/{process.pid}")]
