"""The embedded broker: Apache Kafka in KRaft mode, one node that is broker and controller."""

import shutil
import socket
import struct
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from baton.stack.part import ANSWERS_WITHIN_S, Part
from baton.stack.paths import DEPLOYMENT
from baton.stack.ports import HOST
from baton.stack.process import Command, run
from baton.stack.toolchain import leaving_nothing_behind

NAME = "kafka"
HEAP = "-Xmx768m"
JVM_OPTIONS = ("-Xms256m", HEAP, "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=50", "-Djava.awt.headless=true")
DESCRIBE_CLUSTER = 60


def new_cluster_id() -> str:
    """Make the id that the nodes of one cluster share."""
    return urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


@dataclass(frozen=True)
class Broker:
    """The embedded broker of one stack."""

    java: str
    jars: Path
    data: Path
    log: Path
    port: int
    controller_port: int
    temporary: Path
    environment: Mapping[str, str]
    #: a second door whose clients are told to come back through another port, as behind a relay
    relayed: "Relayed | None" = None
    cluster_id: str = field(default_factory=new_cluster_id)
    #: settings beyond those of the template, and JVM options that come after the usual ones
    more: Mapping[str, str] = field(default_factory=dict)
    jvm_options: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """The value of KAFKA_BOOTSTRAP_SERVERS."""
        return f"{HOST}:{self.port}"

    @property
    def settings(self) -> Path:
        return self.data / "broker.properties"

    def part(self) -> Part:
        """Describe the broker for the supervisor."""
        return Part(
            name=NAME,
            command=self._java("kafka.Kafka", self.settings.name, log=self.log),
            prepare=self.prepare,
            is_ready=lambda: cluster_id_of(self.port) == self._formatted_id(),
            ports=(self.port, self.controller_port),
            grace_s=20.0,
        )

    async def prepare(self) -> None:
        """Write the settings and, the first time, format the data folder."""
        if not self._records.exists():
            await self._format()
        self.settings.write_text(self.render_settings(self._records))

    def render_settings(self, records: Path) -> str:
        """Complete the settings template by what depends on this stack.

        Folders are named relative to the working folder: a path may hold letters that have a meaning in such a file.
        """
        controller = f"{HOST}:{self.controller_port}"
        own = {
            "listeners": f"BROKER://{self.address},CONTROLLER://{controller}",
            "advertised.listeners": f"BROKER://{self.address}",
            "controller.quorum.voters": f"1@{controller}",
            "log.dirs": records.name,
        }
        if self.relayed is not None:
            own |= self.relayed.settings(own)
        own |= self.more
        template = (DEPLOYMENT / "broker.properties").read_text()
        return template + "".join(f"{key}={value}\n" for key, value in own.items())

    @property
    def _records(self) -> Path:
        return self.data / "records"

    def _formatted_id(self) -> str:
        lines = (self._records / "meta.properties").read_text().splitlines()
        return next(line.removeprefix("cluster.id=") for line in lines if line.startswith("cluster.id="))

    async def _format(self) -> None:
        # Formatted elsewhere and moved: what is called the records folder was formatted to its end.
        draft = self.data / "records.draft"
        shutil.rmtree(draft, ignore_errors=True)
        self.settings.write_text(self.render_settings(draft))
        # One word with its option: one id in 64 begins with "-", and would be read as an option of its own.
        arguments = ("format", f"--cluster-id={self.cluster_id}", "--config", self.settings.name)
        await run(self._java("kafka.tools.StorageTool", *arguments, log=self.log.with_name("kafka-format.log")))
        draft.rename(self._records)

    def _java(self, main_class: str, *arguments: str, log: Path) -> Command:
        logging = f"-Dlog4j2.configurationFile={(DEPLOYMENT / 'log4j2.xml').as_uri()}"
        options = (*JVM_OPTIONS, *leaving_nothing_behind(self.temporary), *self.jvm_options, logging)
        return Command(
            (self.java, *options, "-cp", f"{self.jars}/*", main_class, *arguments),
            log=log,
            environment=self.environment,
            folder=self.data,
        )


@dataclass(frozen=True)
class Relayed:
    """A door of the broker that a relay stands before."""

    listens: int
    advertised: int

    @classmethod
    def read(cls, setting: str) -> "Relayed | None":
        """Read LISTENS:ADVERTISED; nothing when it is empty."""
        listens, _, advertised = setting.partition(":")
        return cls(int(listens), int(advertised)) if setting else None

    def settings(self, own: Mapping[str, str]) -> dict[str, str]:
        """Complete the broker's listeners by this door."""
        return {
            "listeners": f"{own['listeners']},RELAYED://{HOST}:{self.listens}",
            "advertised.listeners": f"{own['advertised.listeners']},RELAYED://{HOST}:{self.advertised}",
            "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT,RELAYED:PLAINTEXT",
        }


def cluster_id_of(port: int) -> str:
    """Ask a broker which cluster it belongs to: it answers only once it serves clients.

    Raises:
        OSError, ValueError: it does not answer, or not as a broker does.
    """
    # request header of flexible versions, then the body of version 0; see "DescribeCluster" of the Kafka protocol
    request = struct.pack(">hhihbbb", DESCRIBE_CLUSTER, 0, 1, -1, 0, 0, 0)
    with socket.create_connection((HOST, port), timeout=ANSWERS_WITHIN_S) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        with connection.makefile("rb") as answers:
            reply = answers.read(int.from_bytes(answers.read(4)))
    after_error = reply[11:]
    (error,) = struct.unpack(">h", reply[9:11])
    message_length, text = after_error[0], after_error[1:]
    if error != 0 or message_length > 1:
        raise ValueError("the broker does not describe its cluster")
    return text[1 : text[0]].decode()
