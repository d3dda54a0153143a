"""A stack of infrastructure that belongs to one campaign: its parts may be killed, and proxies stand before them."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from baton.stack.addresses import Addresses
from baton.stack.embedded import EmbeddedStack
from baton.stack.paths import StackHome
from baton.stack.ports import free_port
from baton.stack.state import PartRecord, PartState, read_state
from runtime.settings import Environment, ServiceSettings
from tests.faults.waiting import DEADLINE_S
from tests.faults.wire.kafka import KafkaConversation, KafkaPlan
from tests.faults.wire.postgres import PostgresConversation, PostgresPlan
from tests.faults.wire.proxy import HOST, Proxy

LOOK_EVERY_S = 0.05
UNENCRYPTED = "sslmode=disable&gssencmode=disable"


@dataclass(frozen=True)
class Wires:
    """The proxies before broker and database, and what they are told to do."""

    kafka: Proxy
    postgres: Proxy
    kafka_plan: KafkaPlan
    postgres_plan: PostgresPlan


@dataclass(frozen=True)
class PrivateStack:
    """Broker, registry and database of one campaign."""

    home: StackHome
    #: past the proxies: for the campaign's own clients
    direct: ServiceSettings
    #: through the proxies: for the services
    relayed: ServiceSettings
    wires: Wires

    def pid(self, part: str) -> int:
        """Return the process number of a running part."""
        return self._part(part).pid or 0

    def kill(self, part: str, number: signal.Signals) -> datetime:
        """Send a signal to a part, wait until its successor runs, and return when that was.

        Raises:
            TimeoutError: it did not come back.
        """
        before = self.pid(part)
        os.kill(before, number)
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            record = self._part(part)
            if record.state is PartState.RUNNING and record.pid not in (None, before):
                return datetime.now(UTC)
            time.sleep(LOOK_EVERY_S)
        raise TimeoutError(f"{part} to run again")

    def _part(self, name: str) -> PartRecord:
        record = read_state(self.home.state)
        if record is None:
            raise TimeoutError(f"the state of {name}")
        return next(part for part in record.parts if part.name == name)


def shared_infrastructure() -> ServiceSettings:
    """Return the infrastructure that the environment names."""
    return ServiceSettings(baton_environment=Environment.TEST)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """Put a folder on a disk of its own that is soon full; needs the rights of root."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def private_stack(folder: Path, seed: int) -> Iterator[PrivateStack]:
    """Run infrastructure of one's own for the length of the block."""
    home = StackHome(folder / "stack")
    listens, broker_proxy, database_proxy = (free_port() for _ in range(3))
    names = ("KAFKA_BOOTSTRAP_SERVERS", "SCHEMA_REGISTRY_URL", "DATABASE_URL")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    with EmbeddedStack(home, environment | {"KAFKA_RELAYED": f"{listens}:{broker_proxy}"}) as addresses:
        direct = _settings(addresses)
        wires = _wires(seed, broker=(broker_proxy, listens), database=(database_proxy, _port_of(direct.database_url)))
        wires.kafka.start()
        wires.postgres.start()
        try:
            yield PrivateStack(home, direct, _through(direct, broker_proxy, database_proxy), wires)
        finally:
            wires.kafka.stop()
            wires.postgres.stop()


def _settings(addresses: Addresses) -> ServiceSettings:
    return ServiceSettings(
        kafka_bootstrap_servers=addresses.kafka_bootstrap_servers,
        schema_registry_url=addresses.schema_registry_url,
        database_url=addresses.database_url,
        baton_environment=Environment.TEST,
    )


def _through(direct: ServiceSettings, broker: int, database: int) -> ServiceSettings:
    url = direct.database_url.replace(f":{_port_of(direct.database_url)}/", f":{database}/")
    return direct.model_copy(
        update={"kafka_bootstrap_servers": f"{HOST}:{broker}", "database_url": f"{url}?{UNENCRYPTED}"}
    )


def _wires(seed: int, *, broker: tuple[int, int], database: tuple[int, int]) -> Wires:
    kafka_plan, postgres_plan = KafkaPlan(seed), PostgresPlan(seed)
    return Wires(
        Proxy(listen=broker[0], target=broker[1], converse=partial(KafkaConversation, kafka_plan)),
        Proxy(listen=database[0], target=database[1], converse=partial(PostgresConversation, postgres_plan)),
        kafka_plan,
        postgres_plan,
    )


def _port_of(url: str) -> int:
    return int(url.rpartition("@")[2].partition("/")[0].rpartition(":")[2])
