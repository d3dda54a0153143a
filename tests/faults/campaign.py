"""One campaign: a deployment under load, an oracle that watches, and the evidence when it is over."""

import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType

from baton.sandbox import Sandbox
from baton.stack.services import says_ready
from runtime.settings import ServiceSettings
from schemas.topics import TOPICS
from tests.faults import sightings
from tests.faults.evidence import Evidence, Outage, Recovery, Violation
from tests.faults.fleet import Fleet
from tests.faults.keeping import keep_evidence
from tests.faults.ledger import Ledger, without_planted
from tests.faults.oracle import Oracle
from tests.faults.poison import Poisoner
from tests.faults.senders import DoorOffice, KafkaSender, Office, Senders, TopicOffice
from tests.faults.snapshot import count_armed_clocks, read_tables, told_signals
from tests.faults.staff import Staff
from tests.faults.tides import Tides
from tests.faults.waiting import DEADLINE_S, answer_of, end_thread, holds_within

HERE = Path(__file__).parent
PARTITIONS = 12
#: services whose consumed records are accounted for one by one
ACCOUNTED = ("intake", "matcher", "stager", "sla", "courier")

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
    #: how long a condition is waited for; less where it is known that some never come to hold
    patience_s: float = DEADLINE_S

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
        #: what was waited for in vain
        self.missed: list[str] = []
        self._condemned: tuple[Violation, ...] | None = None
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
        with ExitStack() as stack:
            self._enter(stack)
            self._stack = stack.pop_all()
        return self

    def _enter(self, stack: ExitStack) -> None:
        stack.enter_context(self.sandbox)
        self.oracle = Oracle(self.settings)
        self.tides = Tides(
            self.settings.kafka_bootstrap_servers,
            self.sandbox.prefix,
            self.consumed,
            PARTITIONS,
            self.oracle,
            patience_s=self.setting.patience_s,
        )
        self.fleet = Fleet(self.sandbox, self.setting.names)
        for name in self.setting.names:
            self.fleet.prepare(name, self._next_life)
        # after the processes have ended, and before topics and tables are gone
        stack.push(self._keep_unless_clean)
        stack.callback(self.fleet.stop)
        self.fleet.start()
        self.await_ready()
        self.oracle.start()
        self.tides.start()
        stack.callback(self.tides.stop)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._stack.__exit__(kind, error, trace)

    def condemn(self, violations: Sequence[Violation]) -> None:
        """Say that the campaign is not clean, so that everything it left is kept."""
        self._condemned = tuple(violations)

    def _keep_unless_clean(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._condemned is None:
            return
        told = [] if error is None else traceback.format_exception(error)
        keep_evidence(
            self.setting.folder,
            self.settings,
            groups=(*self.consumed, "sla-windows"),
            ledger=self.ledger.page(),
            story=(*told, *self.missed, *self.recoveries, *self.outages, *self.fleet.deaths),
            violations=self._condemned or (),
        )

    def await_ready(self) -> None:
        """Wait until every process says it is ready.

        Raises:
            TimeoutError: one did not.
        """
        for name in self.setting.names:
            port = self.sandbox.port(f"metrics-{name}")
            if not holds_within(partial(_is_ready, port), self.setting.patience_s):
                raise TimeoutError(f"{name} to be ready")

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
            end_thread(thread)
        self.expect(self._is_settled, "everything worked off, every clock at rest and every signal told")
        ended_at = datetime.now(UTC)
        names_seen = sightings.in_metrics(self.sandbox, self.setting.names)
        self.expect(lambda: not self.tides.hanging(), "the end of every transaction")
        standings, hanging = answer_of(self.tides.standings), answer_of(self.tides.hanging)
        self._note_deaths()
        self.fleet.stop()
        ends = answer_of(self.tides.ends)
        self.expect(lambda: self.oracle.reached(ends), "a subscriber to see the last record")
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
            missed=tuple(self.missed),
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

    def expect(self, look: Callable[[], bool], what: str) -> None:
        """Wait until something holds; what never does is a violation of its own."""
        if not holds_within(look, self.setting.patience_s):
            self.missed.append(what)

    def _is_settled(self) -> bool:
        # in this order: what is worked off arms clocks, what fires is to be told, what is told is to be worked off
        return (
            self.tides.is_level()
            and ("sla-firing" not in self.setting.services or not count_armed_clocks(self.settings.database_url))
            and (not self._tells_notices or self._is_all_told())
            and self.tides.is_level()
        )

    def _is_all_told(self) -> bool:
        signals = without_planted(self.oracle.records_of("sla.signalled.v1"), self.ledger.page().planted)
        fired = {(str(r.values["kind"]), r.event_id) for r in signals if r.event_id is not None}
        return fired <= told_signals(self.settings.database_url)

    @property
    def _tells_notices(self) -> bool:
        return {"sla-windows", "courier"} <= self.setting.services

    def _note_deaths(self) -> None:
        for death in self.fleet.deaths:
            recovery = self.tides.recovery_so_far(f"death of {death.name}", death.at)
            self.note(recovery, death.at)


def _is_ready(port: int) -> bool:
    try:
        return says_ready(port)
    except OSError:
        return False
