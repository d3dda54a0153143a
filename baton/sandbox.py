"""A private deployment on shared infrastructure for benchmarks and tests: own topics, database and processes."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from baton.directory.document import DEFAULT_FILE, read_directory
from baton.directory.loading import load
from baton.migrations import migrate
from baton.stack.part import new_token
from baton.stack.ports import HOST, HeldPort
from baton.stack.process import end_of_log
from baton.stack.services import SERVICES, says_ready, system_environment
from baton.stack.vital_signs import VitalSigns
from baton.topics import apply_topics
from runtime.kafka import make_admin
from runtime.settings import ServiceSettings
from schemas.topics import DEFAULT_PARTITIONS

STOP_WITHIN_S = 20.0
LOOK_EVERY_S = 0.05
MODULES = {service.name: service.module for service in SERVICES}


class NotReady(Exception):
    """A service of the sandbox ended or hung before it was ready."""

    def __init__(self, name: str, log: Path) -> None:
        super().__init__(f"{name} did not become ready:\n{end_of_log(log)}")


class Sandbox:
    """A deployment that leaves nothing behind: topics, database and processes go with the block."""

    def __init__(
        self,
        infrastructure: ServiceSettings,
        folder: Path,
        *,
        settings: Mapping[str, str] | None = None,
        partitions: int = DEFAULT_PARTITIONS,
        replication_factor: int = 1,
        directory: Path = DEFAULT_FILE,
    ) -> None:
        self._infrastructure = infrastructure
        self._folder = folder
        self._partitions, self._replication_factor = partitions, replication_factor
        self._directory = directory
        self._database = f"sandbox_{secrets.token_hex(5)}"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ports: dict[str, HeldPort] = {}
        self.prefix = f"sandbox-{secrets.token_hex(4)}."
        self.documents = folder / "documents"
        self.inbox = folder / "inbox"
        self._own = dict(settings or {})
        self._token = new_token()

    @property
    def settings(self) -> ServiceSettings:
        """Settings for own clients of this deployment."""
        return self._infrastructure.model_copy(
            update={"database_url": self.database_url, "topic_prefix": self.prefix, "clock": self._own.get("CLOCK", "")}
        )

    @property
    def database_url(self) -> str:
        """The sandbox's own database."""
        return urlsplit(self._infrastructure.database_url)._replace(path=f"/{self._database}").geturl()

    def environment(self) -> dict[str, str]:
        """Return the variables that lead to this deployment, as `baton env` would."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self._infrastructure.kafka_bootstrap_servers,
            "SCHEMA_REGISTRY_URL": self._infrastructure.schema_registry_url,
            "DATABASE_URL": self.database_url,
            "TOPIC_PREFIX": self.prefix,
            "DOCUMENT_STORE": str(self.documents),
            "DROP_FOLDER": str(self.inbox),
            "INTAKE_URL": f"http://{HOST}:{self.port('intake')}",
            "MLLP_ADDRESS": f"{HOST}:{self.port('mllp')}",
            "BOARD_URL": f"http://{HOST}:{self.port('board')}",
        }

    def port(self, name: str) -> int:
        """Return the port chosen for a door or a service's metrics."""
        if name not in self._ports:
            self._ports[name] = HeldPort(0)
        return self._ports[name].number

    def start(self, *names: str, extra: Mapping[str, str] | None = None) -> None:
        """Start services by name (NAME or NAME.SLOT) and wait until each says it is ready.

        Raises:
            NotReady: one ended or hung.
        """
        for name in names:
            self._processes[name] = self.launch(name, extra or {})
        for name in names:
            self.await_ready(name)

    def await_ready(self, name: str) -> None:
        """Wait until a service is ready, for as long as it gives signs of life.

        Raises:
            NotReady: it ended or hung.
        """
        process, log = self._processes[name], self.log_of(name)
        signs = VitalSigns(process.pid, log)
        while not self._says_ready(name):
            if process.poll() is not None or signs.is_silent():
                raise NotReady(name, log)
            time.sleep(LOOK_EVERY_S)

    def apply_topics(self) -> None:
        """Create the topics that are missing, as `baton topics apply` does."""
        apply_topics(self.settings, partitions=self._partitions, replication_factor=self._replication_factor)

    def process(self, name: str) -> subprocess.Popen[bytes]:
        """Return a started service's process."""
        return self._processes[name]

    def stop(self, *names: str, number: signal.Signals = signal.SIGTERM) -> None:
        """End services, all when none is named, and wait until they are gone."""
        chosen = names or tuple(self._processes)
        for name in chosen:
            self._processes[name].send_signal(number)
        for name in chosen:
            process = self._processes.pop(name)
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def log_of(self, name: str) -> Path:
        """Return the log file of a service."""
        return self._folder / f"{name}.log"

    def __enter__(self) -> "Sandbox":
        for folder in (self.documents, self.inbox):
            folder.mkdir(parents=True, exist_ok=True)
        self._on_server("CREATE DATABASE {}")
        migrate(self.database_url)
        load(self.database_url, read_directory(self._directory))
        self.apply_topics()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        for port in self._ports.values():
            port.close()
        self._on_server("DROP DATABASE {} WITH (FORCE)")
        admin = make_admin(self._infrastructure.kafka_bootstrap_servers)
        mine = [topic for topic in admin.list_topics(timeout=10).topics if topic.startswith(self.prefix)]
        for deleted in admin.delete_topics(mine).values() if mine else ():
            deleted.result(timeout=30)

    def launch(self, name: str, extra: Mapping[str, str], *, wrapper: Sequence[str] = ()) -> subprocess.Popen[bytes]:
        """Start one process that the caller keeps; `wrapper` is a command that becomes it."""
        service, _, slot = name.partition(".")
        environment = {
            **system_environment(os.environ),
            "BATON_ENVIRONMENT": "test",
            **self.environment(),
            "INTAKE_HTTP_PORT": str(self.port("intake")),
            "MLLP_PORT": str(self.port("mllp")),
            "BOARD_HTTP_PORT": str(self.port("board")),
            "METRICS_PORT": str(self.port(f"metrics-{name}")),
            "PROCESS_TOKEN": self._token,
            "INSTANCE": slot or "0",
            **self._own,
            **extra,
        }
        with self.log_of(name).open("ab") as log:
            return subprocess.Popen(
                [*wrapper, sys.executable, "-m", MODULES[service]],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=Path(__file__).resolve().parents[1],
            )

    def _says_ready(self, name: str) -> bool:
        try:
            return says_ready(self.port(f"metrics-{name}"), self._token)
        except OSError:
            return False

    def _on_server(self, statement: str) -> None:
        with psycopg.connect(self._infrastructure.database_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(self._database)))
