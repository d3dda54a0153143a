"""Ask and disturb an embedded stack, as clients and accidents do."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable

import psutil
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from baton.refusal import Refused
from baton.stack import control
from baton.stack.addresses import Addresses
from baton.stack.paths import REPOSITORY, StackHome
from baton.stack.state import PartRecord, PartState

#: an environment that names no parts elsewhere
ALONE = {name: value for name, value in os.environ.items() if not name.endswith(("_URL", "_SERVERS"))}


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
    admin.create_topics([NewTopic(topic, num_partitions=1)])[topic].result(timeout=120)


def produce(where: Addresses, topic: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": where.kafka_bootstrap_servers, "acks": "all"})
    producer.produce(topic, value)
    assert producer.flush(120) == 0


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
    with urllib.request.urlopen(request, timeout=120) as reply:
        return int(json.load(reply)["id"])


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=120) as reply:
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


def until(condition: Callable[[], bool], within_s: float = 180) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.05)
