"""The embedded broker: Apache Kafka in KRaft mode, one node that is broker and controller."""

import contextlib
import shutil
import socket
import struct
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from baton.stack.part import Part
from baton.stack.paths import DEPLOYMENT
from baton.stack.ports import HOST
from baton.stack.process import Command, run

NAME = "kafka"
HEAP = "-Xmx768m"
JVM_OPTIONS = ("-Xms256m", HEAP, "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=50", "-Djava.awt.headless=true")
API_VERSIONS = 18


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
            command=self._java("kafka.Kafka", str(self.settings), log=self.log),
            prepare=self.prepare,
            is_ready=lambda: answers(self.port),
            grace_s=20.0,
        )

    async def prepare(self) -> None:
        """Write the settings and, the first time, format the data folder."""
        if not self._records.exists():
            await self._format()
        self.settings.write_text(self.render_settings(self._records))

    def render_settings(self, records: Path) -> str:
        """Complete the settings template by what depends on this stack."""
        controller = f"{HOST}:{self.controller_port}"
        own = {
            "listeners": f"BROKER://{self.address},CONTROLLER://{controller}",
            "advertised.listeners": f"BROKER://{self.address}",
            "controller.quorum.voters": f"1@{controller}",
            "log.dirs": str(records),
        }
        if self.relayed is not None:
            own |= self.relayed.settings(own)
        own |= self.more
        template = (DEPLOYMENT / "broker.properties").read_text()
        return template + "".join(f"{key}={value}\n" for key, value in own.items())

    @property
    def _records(self) -> Path:
        return self.data / "records"

    async def _format(self) -> None:
        # Formatted elsewhere and moved: what is called the records folder was formatted to its end.
        draft = self.data / "records.draft"
        shutil.rmtree(draft, ignore_errors=True)
        self.settings.write_text(self.render_settings(draft))
        # One word with its option: one id in 64 begins with "-", and would be read as an option of its own.
        arguments = ("format", f"--cluster-id={self.cluster_id}", "--config", str(self.settings))
        await run(self._java("kafka.tools.StorageTool", *arguments, log=self.log.with_name("kafka-format.log")))
        draft.rename(self._records)

    def _java(self, main_class: str, *arguments: str, log: Path) -> Command:
        logging = f"-Dlog4j2.configurationFile={DEPLOYMENT / 'log4j2.xml'}"
        classes = ("-cp", f"{self.jars}/*", main_class)
        return Command(
            (self.java, *JVM_OPTIONS, *self.jvm_options, logging, *classes, *arguments),
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


def answers(port: int) -> bool:
    """Ask the broker which requests it knows: it answers only once it serves clients."""
    body = struct.pack(">hhih", API_VERSIONS, 0, 1, -1)
    with socket.create_connection((HOST, port), timeout=2) as connection:
        connection.sendall(struct.pack(">i", len(body)) + body)
        reply = b""
        with contextlib.suppress(TimeoutError):
            while len(reply) < 10 and (more := connection.recv(4096)):
                reply += more
    if len(reply) < 10:
        return False
    error: int = struct.unpack(">h", reply[8:10])[0]
    return error == 0
