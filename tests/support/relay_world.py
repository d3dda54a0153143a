"""What surrounds the relay: topics, tables, processes that are killed, and a subscriber that reads everything."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import psycopg
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from baton.migrations import migrate
from baton.topics import create_topics, register_schemas
from runtime.kafka import make_admin, producer_config
from runtime.migrations import create_step_tables
from runtime.registry import RegistrySchemaIds, make_registry_client
from runtime.settings import Environment, ServiceSettings
from schemas.codec import Codec
from schemas.events import ReferralChanged, ReferralCommanded
from schemas.ids import named_id
from schemas.vocabulary import CommandAction, Role
from tests.support import relay
from tests.support.waiting import PATIENCE_S, eventually

ROOT = Path(__file__).resolve().parents[2]
PARTITIONS = 3
IN, OUT = ReferralCommanded.schema_name, ReferralChanged.schema_name
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Seen:
    """One committed record that a subscriber saw."""

    partition: int
    offset: int
    key: str
    event: ReferralChanged


@dataclass
class RelayWorld:
    """A private deployment of the relay."""

    settings: ServiceSettings
    codec: Codec
    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._producer = Producer(producer_config(self.settings, client="sender"))
        self._reader = Subscriber(self)

    # ---------------------------------------------------------------- what is sent

    def topic(self, name: str) -> str:
        """Return a topic's full name."""
        return self.settings.topic_prefix + name

    def send(self, *commands: ReferralCommanded) -> None:
        """Put commands on their topic, in order."""
        for command in commands:
            self.send_raw(command.referral_id.encode(), self.codec.encode(command), at=command.at, flush=False)
        assert self._producer.flush(120) == 0

    def send_raw(
        self,
        key: bytes | None,
        value: bytes | None,
        *,
        at: datetime = MONDAY,
        headers: Sequence[tuple[str, bytes]] = (),
        flush: bool = True,
    ) -> None:
        """Put any bytes on the topic of commands."""
        self._producer.produce(
            self.topic(IN), key=key, value=value, headers=list(headers), timestamp=int(at.timestamp() * 1000)
        )
        if flush:
            assert self._producer.flush(120) == 0

    # ---------------------------------------------------------------- processes

    def start(self, *, instance: str = "0", **extra: str) -> subprocess.Popen[bytes]:
        """Start a relay process; `extra` are its settings."""
        environment = {
            **{k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "VIRTUAL_ENV")},
            "KAFKA_BOOTSTRAP_SERVERS": self.settings.kafka_bootstrap_servers,
            "SCHEMA_REGISTRY_URL": self.settings.schema_registry_url,
            "DATABASE_URL": self.settings.database_url,
            "TOPIC_PREFIX": self.settings.topic_prefix,
            "BATON_ENVIRONMENT": "test",
            "INSTANCE": instance,
            "HEALED": str(self.folder / "healed"),
            **{name.upper(): value for name, value in extra.items()},
        }
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.relay"],
                env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self.processes.append(process)
        return process

    @contextmanager
    def running(self, *, instance: str = "0", **extra: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a relay for the block and stop it cleanly."""
        process = self.start(instance=instance, **extra)
        try:
            yield process
        finally:
            self.stop(process)

    def stop(self, process: subprocess.Popen[bytes]) -> int:
        """Ask a process to end and return its exit code."""
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        try:
            return process.wait(120)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def close(self) -> None:
        """End every process that is left, and the clients."""
        self._reader.close()
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()

    def heal(self) -> None:
        """Make poison harmless from now on."""
        (self.folder / "healed").touch()

    @property
    def log(self) -> Path:
        """The log of all relay processes."""
        return self.folder / "relay.log"

    # ---------------------------------------------------------------- what is found

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run a query as the owner."""
        with self.connection() as connection:
            return connection.execute(cast(Any, query), parameters or None).fetchall()

    def connection(self) -> psycopg.Connection:
        """Return a connection of the owner."""
        return psycopg.connect(self.settings.database_url)

    def counts(self) -> dict[str, int]:
        """Return how far each referral was counted."""
        return {row[0]: row[1] for row in self.rows("SELECT referral_id, count FROM relay.counter")}

    def effects(self) -> list[str]:
        """Return the applied event ids, repeats included."""
        return [row[0] for row in self.rows("SELECT event_id FROM relay.effect ORDER BY 1")]

    def quarantine(self) -> list[dict[str, Any]]:
        """Return the quarantine rows in order."""
        names = ("quarantine_id", "reason", "state", "attempts", "key", "value", "event_id", "offset", "headers")
        query = (
            'SELECT quarantine_id, reason, state, attempts, key, value, event_id, "offset", headers'
            " FROM relay.quarantine ORDER BY entry"
        )
        return [dict(zip(names, row, strict=True)) for row in self.rows(query)]

    def lag(self) -> int:
        """Return how many commands the group has not passed yet, marks of transactions left out."""
        return self._reader.lag()

    def await_all(self, within_s: float = PATIENCE_S) -> None:
        """Wait until every command was passed."""
        eventually(lambda: self.lag() == 0, within_s=within_s, what="the relay to pass every command")

    def seen(self) -> list[Seen]:
        """Return every committed change on the topic, in order of each partition."""
        return self._reader.read_all()

    def forget_offsets(self) -> None:
        """Delete the group, so that it starts from the beginning."""
        admin = make_admin(self.settings.kafka_bootstrap_servers)
        group = self.settings.topic_prefix + relay.SERVICE

        def is_gone() -> bool:
            try:
                admin.delete_consumer_groups([group])[group].result()
            except KafkaException:  # a member is in the group until its session ends
                return False
            return True

        eventually(is_gone, what="the group to be empty")


class Subscriber:
    """Reads committed records to the end, and knows what the relay's group has passed."""

    def __init__(self, world: RelayWorld) -> None:
        self._world = world
        self._consumer = Consumer(
            {
                "bootstrap.servers": world.settings.kafka_bootstrap_servers,
                "group.id": f"{world.settings.topic_prefix}{relay.SERVICE}",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
            }
        )

    def lag(self) -> int:
        """Return how many records of the commands' topic are not passed; commands come without transactions."""
        places = [TopicPartition(self._world.topic(IN), number) for number in range(PARTITIONS)]
        passed = {p.partition: max(0, p.offset) for p in self._consumer.committed(places, timeout=PATIENCE_S)}
        ends = {p.partition: self._consumer.get_watermark_offsets(p, timeout=120)[1] for p in places}
        return sum(ends[number] - passed[number] for number in ends)

    def read_all(self) -> list[Seen]:
        """Read the topic of changes from the beginning to the end."""
        places = [TopicPartition(self._world.topic(OUT), number, 0) for number in range(PARTITIONS)]
        self._consumer.assign(places)
        found: list[Seen] = []
        ended: set[int | None] = set()
        deadline = time.monotonic() + 30
        while len(ended) < PARTITIONS:
            assert time.monotonic() < deadline, "the topic of changes could not be read to its end"
            for message in self._consumer.consume(500, 0.2):
                if message.error() is not None:
                    ended.add(message.partition())
                else:
                    found.append(self._seen(message))
        self._consumer.unassign()
        return found

    def close(self) -> None:
        """Give the client up."""
        self._consumer.close()

    def _seen(self, message: Any) -> Seen:
        event = self._world.codec.decode(ReferralChanged, message.value())
        return Seen(message.partition(), message.offset(), message.key().decode(), event)


def commands_for(referrals: int, each: int, *, first: int = 0) -> list[ReferralCommanded]:
    """Return commands for some referrals, interleaved."""
    return [command(f"R{referral}", number) for number in range(first, first + each) for referral in range(referrals)]


def command(
    referral_id: str, number: int, *, comment: str | None = None, network: str = "riverside", by: str = "ivy"
) -> ReferralCommanded:
    """Return a synthetic command."""
    return ReferralCommanded(
        event_id=named_id("relay-test", referral_id, str(number)),
        referral_id=referral_id,
        network_id=network,
        action=CommandAction.ADD_NOTE,
        by_user=by,
        by_role=Role.INTAKE,
        at=MONDAY + timedelta(seconds=number),
        comment=comment,
    )


@contextmanager
def relay_world(
    addresses: Mapping[str, str], *, topic_prefix: str, database_url: str, folder: Path
) -> Iterator[RelayWorld]:
    """Prepare topics, schemas and tables, and end every process that the block leaves."""
    settings = ServiceSettings(
        kafka_bootstrap_servers=addresses["kafka_bootstrap_servers"],
        schema_registry_url=addresses["schema_registry_url"],
        database_url=database_url,
        topic_prefix=topic_prefix,
        baton_environment=Environment.TEST,
    )
    prepare_tables(database_url)
    _prepare_topics(settings)
    with make_registry_client(settings) as registry:
        register_schemas(registry, topic_prefix=topic_prefix)
        codec = Codec(RegistrySchemaIds(registry), topic_prefix=topic_prefix)
        with closing(RelayWorld(settings, codec, folder)) as world:
            yield world


def _prepare_topics(settings: ServiceSettings) -> None:
    names = [settings.topic_prefix + name for name in (IN, OUT)]
    wanted = {name: {"max.message.bytes": "1500000"} for name in names}
    admin = make_admin(settings.kafka_bootstrap_servers)
    create_topics(admin, wanted, partitions=PARTITIONS, replication_factor=1)


def prepare_tables(database_url: str) -> None:
    """Create the tables of the step and of the relay."""
    migrate(database_url)
    with psycopg.connect(database_url) as connection:
        create_step_tables(_Operations(connection), schema=relay.SERVICE)
        connection.execute(relay.TABLES)


class _Operations:
    """As much of alembic's operations as the step's tables need."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection, self.driver_connection = self, connection

    def get_bind(self) -> "_Operations":
        return self
