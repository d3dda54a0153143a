"""One campaign: a deployment under load, an oracle that watches, and the evidence when it is over."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from confluent_kafka import KafkaException

from baton.sandbox import Sandbox
from baton.stack.services import says_ready
from runtime.settings import ServiceSettings
from schemas.topics import TOPICS
from tests.faults import sightings
from tests.faults.evidence import Evidence, Outage, Planted, Record, Recovery
from tests.faults.fleet import Fleet
from tests.faults.ledger import Ledger
from tests.faults.oracle import Oracle
from tests.faults.poison import Poisoner
from tests.faults.senders import DoorOffice, KafkaSender, Office, Senders, TopicOffice
from tests.faults.snapshot import read_tables, told_signals
from tests.faults.staff import Staff
from tests.faults.tides import Tides

HERE = Path(__file__).parent
PARTITIONS = 12
#: services whose consumed records are accounted for one by one
ACCOUNTED = ("intake", "matcher", "stager", "sla", "courier")
READY_WITHIN_S = 60.0
LEVEL_WITHIN_S = 60.0
#: longer than the longest clock of the campaign's policy
SETTLE_S = 10.0
HANGING_AFTER_S = 15.0


#: name of a process -> what the environment of its next life has beyond the campaign's
NextLife = Callable[[str], Mapping[str, str]]


def _nothing_more(_name: str) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Load:
    """How much is going on."""

    referrals_per_s: float = 15.0
    commands_per_s: float = 30.0
    poison_per_s: float = 4.0


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a campaign runs on and with."""

    infrastructure: ServiceSettings
    folder: Path
    seed: int
    #: NAME.SLOT of every process
    names: tuple[str, ...]
    load: Load = field(default_factory=Load)
    #: what own clients use, when the services go through a proxy
    direct: ServiceSettings | None = None
    repeats_allowed: bool = False
    replication_factor: int = 1
    server_logs: tuple[Path, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def services(self) -> frozenset[str]:
        """The services that take part."""
        return frozenset(name.partition(".")[0] for name in self.names)


class Campaign:
    """Everything that runs while faults strike; leaves nothing behind."""

    def __init__(self, setting: Setting, next_life: NextLife = _nothing_more) -> None:
        self.setting = setting
        self._next_life = next_life
        self.ledger = Ledger()
        self.recoveries: list[Recovery] = []
        self.outages: list[Outage] = []
        self._stack = ExitStack()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        policy = {"SLA_POLICY": str(HERE / "sla_policy.toml"), "SLA_WINDOW_S": "5", **setting.settings}
        self.sandbox = Sandbox(
            setting.infrastructure,
            setting.folder,
            settings=policy,
            partitions=PARTITIONS,
            replication_factor=setting.replication_factor,
            directory=HERE / "faultline.toml",
        )
        self.consumed = {
            name: tuple(topic.name for topic in TOPICS if any(c.value == name for c in topic.consumers))
            for name in ACCOUNTED
            if name in setting.services
        }

    @property
    def settings(self) -> ServiceSettings:
        """Settings of own clients: they do not go through the proxies."""
        settings, direct = self.sandbox.settings, self.setting.direct
        if direct is None:
            return settings
        database = self.sandbox.database_url.rpartition("/")[2]
        return settings.model_copy(
            update={
                "kafka_bootstrap_servers": direct.kafka_bootstrap_servers,
                "database_url": f"{direct.database_url.rpartition('/')[0]}/{database}",
            }
        )

    def __enter__(self) -> "Campaign":
        self._stack.enter_context(self.sandbox)
        self.oracle = Oracle(self.settings)
        bootstrap = self.settings.kafka_bootstrap_servers
        self.tides = Tides(bootstrap, self.sandbox.prefix, self.consumed, PARTITIONS, self.oracle)
        self.fleet = Fleet(self.sandbox, self.setting.names)
        for name in self.setting.names:
            self.fleet.prepare(name, self._next_life)
        self._stack.callback(self.fleet.stop)
        self.fleet.start()
        self.await_ready()
        self.oracle.start()
        self.tides.start()
        self._stack.callback(self.tides.stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._stack.close()

    def await_ready(self) -> None:
        """Wait until every process says it is ready.

        Raises:
            TimeoutError: one did not.
        """
        deadline = time.monotonic() + READY_WITHIN_S
        for name in self.setting.names:
            while not _is_ready(self.sandbox.port(f"metrics-{name}")):
                if time.monotonic() > deadline:
                    raise TimeoutError(name)
                time.sleep(0.05)

    def begin_load(self) -> None:
        """Let offices, staff and poisoners begin."""
        load, seed, settings = self.setting.load, self.setting.seed, self.settings
        self.senders = Senders(self._offices(), seed, per_s=load.referrals_per_s)
        self.staff = Staff(
            KafkaSender(settings, client="staff"), self.oracle, self.ledger, seed, per_s=load.commands_per_s
        )
        workers: list[Callable[[threading.Event], None]] = [self.senders.work, self.staff.work]
        if load.poison_per_s:
            topics = sorted({topic for topics in self.consumed.values() for topic in topics})
            poisoner = Poisoner(settings, topics, self.ledger, self.oracle, seed, per_s=load.poison_per_s)
            workers.append(poisoner.work)
        for work in workers:
            thread = threading.Thread(target=work, args=(self._stop,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def recover(self, fault: str, began_at: datetime, ended_at: datetime | None = None) -> Recovery:
        """Wait until work goes on after a fault, and note how long that took."""
        recovery = self.tides.recovery(fault, ended_at or datetime.now(UTC))
        self.note(recovery, began_at)
        return recovery

    def note(self, recovery: Recovery, began_at: datetime) -> None:
        """Keep a recovery, and the span in which clocks may be late for it."""
        self.recoveries.append(recovery)
        seconds = 60.0 if recovery.seconds is None else recovery.seconds
        end = datetime.fromtimestamp(recovery.ended_at.timestamp() + seconds, UTC)
        self.outages.append(Outage(began_at, end))

    def finish(self) -> Evidence:
        """End the load, wait until everything is worked off, stop, and hand the evidence over."""
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
        self._settle()
        ended_at = datetime.now(UTC)
        names_seen = sightings.in_metrics(self.sandbox, self.setting.names)
        standings, hanging = self.tides.standings(), self._hanging()
        self._note_deaths()
        self.fleet.stop()
        ends = self.tides.ends()
        _wait(lambda: self.oracle.reached(ends), 20)
        self.tides.stop()
        records, on_topics = self.oracle.finish()
        page = self.ledger.page()
        records = without_planted(records, page.planted)
        database_url = self.settings.database_url
        logs = [self.sandbox.log_of(name) for name in self.setting.names]
        return Evidence(
            ledger=page,
            records=records,
            tables=read_tables(database_url, records),
            sightings=(
                *names_seen,
                *on_topics,
                *sightings.in_tables(database_url),
                *sightings.in_files([*logs, *self.setting.server_logs]),
            ),
            recoveries=tuple(self.recoveries),
            outages=tuple(self.outages),
            standings=standings,
            hanging=hanging,
            ended_at=ended_at,
            repeats_allowed=self.setting.repeats_allowed,
            consumed=self.consumed,
            watches_clocks={"sla", "sla-firing"} <= self.setting.services,
            watches_notices=self._tells_notices,
        )

    def _offices(self) -> list[Office]:
        if "channels" in self.setting.services:
            return [DoorOffice(self.sandbox.environment(), self.ledger, self.setting.seed)]
        return [TopicOffice(self.settings, self.ledger)]

    def _settle(self) -> None:
        _wait(self.tides.is_level, LEVEL_WITHIN_S)
        if "sla-firing" in self.setting.services:
            time.sleep(SETTLE_S)
            _wait(self.tides.is_level, LEVEL_WITHIN_S)
        if self._tells_notices:
            _wait(self._is_all_told, LEVEL_WITHIN_S)
            _wait(self.tides.is_level, LEVEL_WITHIN_S)

    def _is_all_told(self) -> bool:
        signals = without_planted(self.oracle.records_of("sla.signalled.v1"), self.ledger.page().planted)
        return {r.event_id for r in signals} - {None} <= told_signals(self.settings.database_url)

    @property
    def _tells_notices(self) -> bool:
        return {"sla-windows", "courier"} <= self.setting.services

    def _hanging(self) -> tuple[str, ...]:
        _wait(lambda: not self.tides.hanging(), HANGING_AFTER_S)
        return self.tides.hanging()

    def _note_deaths(self) -> None:
        for death in self.fleet.deaths:
            recovery = self.tides.recovery_so_far(f"death of {death.name}", death.at)
            self.note(recovery, death.at)


def without_planted(records: Sequence[Record], planted: Sequence[Planted]) -> tuple[Record, ...]:
    """Return the records with planted ones as what they are: unreadable, whatever a lenient reader makes of them."""
    places = {(poison.topic, poison.partition, poison.offset) for poison in planted}
    unconfirmed = {(poison.topic, poison.key, poison.digest) for poison in planted if poison.offset < 0}
    return tuple(
        replace(r, event_id=None, values={})
        if (r.topic, r.partition, r.offset) in places or (r.topic, r.key, r.digest) in unconfirmed
        else r
        for r in records
    )


def _is_ready(port: int) -> bool:
    try:
        return says_ready(port)
    except OSError:
        return False


def _wait(look: Callable[[], bool], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if look():
                return True
        except KafkaException:
            pass
        time.sleep(0.2)
    return False
