"""The embedded schema registry: Apicurio with the API of the Confluent registry, kept in a file."""

import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from baton.stack.part import Part
from baton.stack.ports import HOST
from baton.stack.process import Command

NAME = "registry"
MAIN_CLASS = "io.quarkus.runner.GeneratedMain"
CONFLUENT_API = "/apis/ccompat/v7"
JVM_OPTIONS = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


@dataclass(frozen=True)
class Registry:
    """The embedded schema registry of one stack."""

    java: str
    program: Path
    data: Path
    log: Path
    port: int
    environment: Mapping[str, str]

    @property
    def address(self) -> str:
        """The value of SCHEMA_REGISTRY_URL."""
        return f"http://{HOST}:{self.port}{CONFLUENT_API}"

    def part(self) -> Part:
        """Describe the registry for the supervisor."""
        return Part(name=NAME, command=self._command(), is_ready=lambda: answers(self.address))

    def settings(self) -> dict[str, str]:
        """The registry's settings."""
        return {
            "quarkus.http.host": HOST,
            "quarkus.http.port": str(self.port),
            "quarkus.http.access-log.enabled": "false",
            "quarkus.otel.enabled": "false",
            "quarkus.otel.sdk.disabled": "true",
            "apicurio.storage.kind": "sql",
            "apicurio.storage.sql.kind": "h2",
            # An id that was handed out is in records already: it is on the disk before the answer leaves.
            "apicurio.datasource.url": f"jdbc:h2:file:{self.data / 'schemas'};WRITE_DELAY=0",
            "apicurio.datasource.jdbc.initial-size": "2",
            "apicurio.datasource.jdbc.min-size": "2",
            "apicurio.datasource.jdbc.max-size": "8",
        }

    def _command(self) -> Command:
        settings = (f"-D{name}={value}" for name, value in self.settings().items())
        return Command(
            (self.java, *JVM_OPTIONS, *settings, "-cp", f"{self.program}/*", MAIN_CLASS),
            log=self.log,
            environment=self.environment,
            folder=self.data,
        )


def answers(address: str) -> bool:
    """Ask a registry for its subjects."""
    with urllib.request.urlopen(f"{address}/subjects", timeout=2) as reply:  # noqa: S310 - an address of our own
        return bool(reply.status == 200)
