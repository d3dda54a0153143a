"""The embedded schema registry: Apicurio with the API of the Confluent registry, kept in a file."""

import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from baton.stack.part import ANSWERS_WITHIN_S, Part, new_token
from baton.stack.ports import HOST
from baton.stack.process import Command
from baton.stack.toolchain import leaving_nothing_behind
from runtime.health import PROCESS_HEADER

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
    temporary: Path
    environment: Mapping[str, str]
    token: str = field(default_factory=new_token)

    @property
    def address(self) -> str:
        """The value of SCHEMA_REGISTRY_URL."""
        return f"http://{HOST}:{self.port}{CONFLUENT_API}"

    def part(self) -> Part:
        """Describe the registry for the supervisor."""
        return Part(
            name=NAME,
            command=self._command(),
            is_ready=lambda: token_of(self.address) == self.token,
            ports=(self.port,),
        )

    def settings(self) -> dict[str, str]:
        """The registry's settings."""
        return {
            "quarkus.http.host": HOST,
            "quarkus.http.port": str(self.port),
            "quarkus.http.access-log.enabled": "false",
            f'quarkus.http.header."{PROCESS_HEADER}".value': self.token,
            "vertx.cacheDirBase": str(self.temporary / "vertx-cache"),
            "quarkus.otel.enabled": "false",
            "quarkus.otel.sdk.disabled": "true",
            "apicurio.storage.kind": "sql",
            "apicurio.storage.sql.kind": "h2",
            # Relative to the working folder, as a path may hold any letter.
            # An id that was handed out is in records already: it is on the disk before the answer leaves.
            "apicurio.datasource.url": "jdbc:h2:file:./schemas;WRITE_DELAY=0",
            "apicurio.datasource.jdbc.initial-size": "2",
            "apicurio.datasource.jdbc.min-size": "2",
            "apicurio.datasource.jdbc.max-size": "8",
        }

    def _command(self) -> Command:
        settings = (f"-D{name}={value}" for name, value in self.settings().items())
        return Command(
            (
                self.java,
                *JVM_OPTIONS,
                *leaving_nothing_behind(self.temporary),
                *settings,
                "-cp",
                f"{self.program}/*",
                MAIN_CLASS,
            ),
            log=self.log,
            environment=self.environment,
            folder=self.data,
        )


def token_of(address: str) -> str:
    """Ask a registry for its subjects, and return the word by which its stack knows it; "" from any other registry."""
    with urllib.request.urlopen(f"{address}/subjects", timeout=ANSWERS_WITHIN_S) as reply:  # noqa: S310 - our own
        return str(reply.headers.get(PROCESS_HEADER, ""))
