"""A cluster of three brokers that are controllers too, on this machine; a node that is killed is started again."""

import asyncio
import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from baton.stack.downloads import downloads_in, fetch
from baton.stack.kafka import Broker, new_cluster_id
from baton.stack.keeper import BackOff, Keeper
from baton.stack.paths import StackHome, cache_from
from baton.stack.ports import HOST, HeldPorts, hold_ports
from baton.stack.services import system_environment
from baton.stack.state import PartState
from baton.stack.toolchain import Toolchain, ensure_toolchain

NODES = (1, 2, 3)
REPLICATION_FACTOR = 3
#: below the ports that outgoing connections get: a dead node's port must be free when it comes back
FIRST_PORT, FIRST_CONTROLLER_PORT = 9292, 9392
SMALL_HEAP = ("-Xms128m", "-Xmx384m")
#: every record, every offset and every transaction survives one node
REPLICATED: Mapping[str, str] = {
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.replication.factor": "3",
    "share.coordinator.state.topic.min.isr": "2",
}
WHOLE_WITHIN_S = 300.0
STOP_WITHIN_S = 60.0
LOOK_EVERY_S = 0.2
TIMEOUT_S = 10.0


class Cluster:
    """Three nodes for the length of the block."""

    def __init__(self, folder: Path) -> None:
        self._home = StackHome(folder)
        self._home.create()
        self._ports = _hold_ports(self._home)
        self.nodes = _nodes(self._home, self._ports.numbers)
        back_off = BackOff(longest_s=1.0)
        self._keepers = {
            number: Keeper(node.part(), changed=lambda: None, back_off=back_off) for number, node in self.nodes.items()
        }
        self._stop = threading.Event()
        # the kernel ties the nodes to the thread that starts them
        self._thread = threading.Thread(target=lambda: asyncio.run(self._keep()), name="cluster", daemon=True)
        self.kills: Counter[str] = Counter()
        # it is asked for metadata only: other questions end the process when a node goes (librdkafka issue 3663)
        self._admin = AdminClient({"bootstrap.servers": self.address, "client.id": "faults-cluster", "log_level": 0})

    @property
    def address(self) -> str:
        """The value of KAFKA_BOOTSTRAP_SERVERS."""
        return ",".join(node.address for node in self.nodes.values())

    def __enter__(self) -> "Cluster":
        self._thread.start()
        try:
            self.await_whole()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def kill(self, number: int) -> datetime:
        """Kill a node, wait until it is dead, and return when it was killed."""
        pid = self._keepers[number].record().pid
        if pid is None:
            raise ProcessLookupError(number)
        killed_at = datetime.now(UTC)
        os.kill(pid, signal.SIGKILL)
        self.kills[f"node {number} killed"] += 1
        await_that(lambda: self._keepers[number].record().pid != pid, TIMEOUT_S, f"end of node {number}")
        return killed_at

    def await_whole(self) -> None:
        """Wait until every node runs and every partition is on all of them.

        Raises:
            TimeoutError: a node or a copy is missing.
        """
        await_that(self._is_whole, WHOLE_WITHIN_S, "a whole cluster")

    def leaders(self, topic: str) -> list[int]:
        """Return the node that leads each partition of a topic; -1 where none does."""
        partitions = self._admin.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions
        return [int(partitions[number].leader) for number in sorted(partitions)]

    def active_controller(self) -> int:
        """Return the node that leads the controllers, as the newest note of an election on their disks says."""
        return leader_of_newest_election(self._home.kafka.glob("*/records/*-0/quorum-state"))

    def _is_whole(self) -> bool:
        if any(keeper.state is not PartState.RUNNING for keeper in self._keepers.values()):
            return False
        found = self._admin.list_topics(timeout=TIMEOUT_S)
        partitions = (partition for topic in found.topics.values() for partition in topic.partitions.values())
        return len(found.brokers) == len(NODES) and all(len(partition.isrs) == len(NODES) for partition in partitions)

    async def _keep(self) -> None:
        for keeper in self._keepers.values():
            keeper.begin()
        while not self._stop.is_set():
            await asyncio.sleep(LOOK_EVERY_S)
        await asyncio.gather(*(keeper.stop() for keeper in self._keepers.values()))

    def _end(self) -> None:
        self._stop.set()
        self._thread.join(STOP_WITHIN_S)
        self._ports.close()


def leader_of_newest_election(notes: Iterable[Path]) -> int:
    """Return who won the last election that any node noted; -1 while nobody has."""
    newest = max((json.loads(note.read_text()) for note in notes), key=lambda note: int(note["leaderEpoch"]))
    return int(newest["leaderId"])


def await_that(holds: Callable[[], bool], within_s: float, what: str) -> None:
    """Wait until something holds; a broker that does not answer says no.

    Raises:
        TimeoutError: it did not in time.
    """
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if holds():
                return
        except KafkaException:
            pass
        time.sleep(LOOK_EVERY_S)
    raise TimeoutError(what)


def _hold_ports(home: StackHome) -> HeldPorts:
    usual = {f"kafka-{number}": FIRST_PORT + number for number in NODES}
    usual |= {f"kafka-controller-{number}": FIRST_CONTROLLER_PORT + number for number in NODES}
    return hold_ports(home.ports, usual)


def _nodes(home: StackHome, ports: Mapping[str, int]) -> dict[int, Broker]:
    cache, tools = cache_from(os.environ), ensure_toolchain(lambda _line: None)
    _fetch(home, cache, tools)
    voters = ",".join(f"{number}@{HOST}:{ports[f'kafka-controller-{number}']}" for number in NODES)
    cluster_id = new_cluster_id()
    return {number: _node(number, home, cache, tools.java, ports, voters, cluster_id) for number in NODES}


def _node(
    number: int, home: StackHome, cache: Path, java: str, ports: Mapping[str, int], voters: str, cluster_id: str
) -> Broker:
    data = home.kafka / f"node-{number}"
    data.mkdir()
    return Broker(
        java=java,
        jars=downloads_in(cache).kafka,
        data=data,
        log=data / "kafka.log",
        port=ports[f"kafka-{number}"],
        controller_port=ports[f"kafka-controller-{number}"],
        temporary=home.temporary,
        environment=system_environment(os.environ),
        cluster_id=cluster_id,
        more={"node.id": str(number), "controller.quorum.voters": voters, **REPLICATED},
        jvm_options=SMALL_HEAP,
    )


def _fetch(home: StackHome, cache: Path, tools: Toolchain) -> None:
    log = home.log_of("maven")
    asyncio.run(fetch(downloads_in(cache), maven=tools.maven, log=log, environment=dict(os.environ)))
