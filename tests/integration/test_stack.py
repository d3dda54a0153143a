"""The embedded infrastructure itself: it survives kills, keeps its data, and leaves nothing behind."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from baton.refusal import Refused
from baton.stack import control
from baton.stack.addresses import Addresses
from baton.stack.embedded import EmbeddedStack
from baton.stack.kafka import Broker
from baton.stack.lag import lags
from baton.stack.paths import REPOSITORY, StackHome
from baton.stack.ports import HOST, recall_ports
from baton.stack.postgres import Database
from baton.stack.registry import Registry
from baton.stack.state import PartRecord, PartState

ALONE = {name: value for name, value in os.environ.items() if not name.endswith(("_URL", "_SERVERS"))}


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


def test_of_stacks_started_together_in_one_home_one_stays(tmp_path: Path) -> None:
    home = StackHome(tmp_path / "home")
    launched = [control.launch(home, ALONE, ("--infrastructure-only",), ends_with_caller=True) for _ in range(4)]
    with ThreadPoolExecutor(len(launched)) as threads:
        outcomes = list(threads.map(lambda one: outcome_of(home, one), launched))

    refusals = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    (winner,) = (one for one, outcome in zip(launched, outcomes, strict=True) if outcome is None)
    for loser in launched:
        if loser is not winner:
            loser.end()
    assert len(refusals) == 3
    assert all(str(refusal).startswith(f"a stack already runs in {home.root}") for refusal in refusals)
    assert control.running(home).supervisor_pid == winner.process.pid
    assert winner.end() == 0


def test_port_that_is_stolen_before_its_process_listens_is_replaced(tmp_path: Path) -> None:
    home = StackHome(tmp_path / "home")
    launched = control.launch(home, ALONE, ("--infrastructure-only",), ends_with_caller=True)
    until(lambda: "kafka" in recall_ports(home.ports))
    stolen = recall_ports(home.ports)["kafka"]
    with socket.create_server((HOST, stolen)):
        messages = {record.message for record in control.progress(home, launched)}
        running = control.running(home)

    launched.end()
    assert any(f"port {stolen} is taken by process {os.getpid()}" in message for message in messages)
    assert running.addresses.kafka_bootstrap_servers != f"{HOST}:{stolen}"


def test_restarted_stack_has_its_ports_and_its_data(tmp_path: Path) -> None:
    home = StackHome(tmp_path / "odd; näme, 'of' $1 = 100%20 #" / ("long-" * 20))
    with EmbeddedStack(home, ALONE) as first:
        given = register(first, "subject", '"string"')
        create_topic(first, "kept")
        produce(first, "kept", b"before")
        processes = [part(home, name).pid for name in ("kafka", "registry", "postgres")]

    still_there = [pid for pid in processes if pid is not None and psutil.pid_exists(pid)]
    with EmbeddedStack(home, ALONE) as second:
        again = register(second, "subject", '"string"')
        records = read_all(second, "kept")

    assert still_there == []
    assert second == first
    assert again == given
    assert records == [b"before"]
    assert processes_of(home) == []


def test_killed_supervisor_leaves_no_process(tmp_path: Path) -> None:
    home = StackHome(tmp_path / "home")
    with EmbeddedStack(home, ALONE):
        family = processes_of(home)
        os.kill(control.running(home).supervisor_pid, signal.SIGKILL)
        until(lambda: not processes_of(home))

    assert len(family) >= 4


def outcome_of(home: StackHome, launched: control.Launched) -> Refused | None:
    try:
        for _ in control.progress(home, launched):
            continue
    except Refused as refusal:
        return refusal
    return None


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def create_topic(where: Addresses, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": where.kafka_bootstrap_servers})
    admin.create_topics([NewTopic(topic, num_partitions=1)])[topic].result(timeout=15)


def produce(where: Addresses, topic: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": where.kafka_bootstrap_servers, "acks": "all"})
    producer.produce(topic, value)
    assert producer.flush(15) == 0


def produce_in_transaction(where: Addresses, topic: str, values: list[bytes]) -> None:
    producer = Producer({"bootstrap.servers": where.kafka_bootstrap_servers, "transactional.id": "test"})
    producer.init_transactions(30)
    producer.begin_transaction()
    for value in values:
        producer.produce(topic, value)
    producer.commit_transaction(15)


def read_all(where: Addresses, topic: str) -> list[bytes | None]:
    consumer = Consumer(
        {"bootstrap.servers": where.kafka_bootstrap_servers, "group.id": "any", "enable.partition.eof": True}
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    values: list[bytes | None] = []
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        message = consumer.poll(0.2)
        if message is not None and message.error() is not None:
            break
        if message is not None:
            values.append(message.value())
    consumer.close()
    return values


def commit(where: Addresses, group: str, topic: str, reads: int) -> None:
    """Read some records from the start as a member of a group and commit where it stands."""
    consumer = Consumer(
        {
            "bootstrap.servers": where.kafka_bootstrap_servers,
            "group.id": group,
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    seen = 0
    while seen < reads:
        message = consumer.poll(15)
        assert message is not None
        assert message.error() is None
        seen += 1
    consumer.commit(asynchronous=False, offsets=consumer.position([TopicPartition(topic, 0)]))
    consumer.close()


def register(where: Addresses, subject: str, schema: str) -> int:
    request = urllib.request.Request(
        f"{where.schema_registry_url}/subjects/{subject}/versions",
        data=json.dumps({"schema": schema}).encode(),
        headers={"Content-Type": "application/vnd.schemaregistry.v1+json"},
    )
    with urllib.request.urlopen(request, timeout=15) as reply:
        return int(json.load(reply)["id"])


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=15) as reply:
        answer: bytes = reply.read()
    return answer


def kill(home: StackHome, name: str) -> None:
    """Kill a process of the stack and wait until another one has taken its place."""
    before = part(home, name)
    assert before.pid is not None

    os.kill(before.pid, signal.SIGKILL)

    until(lambda: part(home, name).restarts > before.restarts and part(home, name).state is PartState.RUNNING)


def part(home: StackHome, name: str) -> PartRecord:
    return next(part for part in control.running(home).parts if part.name == name)


def processes_of(home: StackHome) -> list[psutil.Process]:
    """Find every process that mentions the home, the guard included."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(home.root) in " ".join((*process.cmdline(), process.environ().get("BATON_HOME", ""))):
                found.append(process)
        except psutil.Error:
            continue
    return found


def baton(home: StackHome, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "baton", *words],
        cwd=REPOSITORY,
        env={**ALONE, "BATON_HOME": str(home.root)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def until(condition: Callable[[], bool], within_s: float = 120) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.05)
