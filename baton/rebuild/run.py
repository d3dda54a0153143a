"""Rebuild a database from the topics."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import groupby, islice

import psycopg
from psycopg import sql

from baton.migrations import migrate
from baton.rebuild.comparing import SHOWN
from baton.rebuild.driving import INSTANCE, Driven, Driver
from baton.rebuild.fired import mark_fired
from baton.rebuild.lanes import Lanes
from baton.rebuild.meeting import Meeting, in_order_of_meeting
from baton.rebuild.staged import Staged
from baton.rebuild.staging import STAGED_TOPICS, Staging
from baton.refusal import Refused
from baton.topic_reader import Spans, TopicReader
from runtime.clock import MachineClock
from runtime.pipeline import Pipeline
from runtime.postgres import NotDurable, connect
from runtime.progress import Place
from runtime.quarantine import Quarantine, QuarantineState, Setback
from runtime.registry import RegistrySchemaIds, make_registry_client
from runtime.settings import S, ServiceSettings
from schemas.codec import Codec
from schemas.event import Event
from schemas.events import ReferralChanged, ReferralMatched, SlaSignalled
from schemas.topics import Service
from services.matcher.pipeline import make_matcher
from services.matcher.settings import MatcherSettings
from services.sla.pipeline import Clocks
from services.stager.data_files import load_rulebook
from services.stager.pipeline import Stager
from services.stager.settings import StagerSettings

#: inputs of one step, as many as a service takes at once
STEP = 500
REBUILT = (Service.INTAKE, Service.MATCHER, Service.STAGER, Service.SLA)
#: a submission that intake took and that never became a referral: it waited in quarantine
NOT_RECEIVED = "never_received"

_IS_EMPTY = """
    SELECT count(*) FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
"""


@dataclass
class Rebuilt:
    """What rebuilding came to."""

    records: int = 0
    #: seconds it took to read the topics
    read_s: float = 0.0
    services: dict[Service, Driven] = field(default_factory=dict)
    ends: Spans = field(default_factory=dict)

    @property
    def is_as_announced(self) -> bool:
        """Whether everything was decided as the topics tell."""
        return not any(driven.different for driven in self.services.values())

    def as_json(self) -> dict[str, object]:
        """Return the report for machines."""
        services = {service.value: asdict(driven) for service, driven in self.services.items()}
        return {"records": self.records, "read_s": self.read_s, "services": services}

    def lines(self) -> list[str]:
        """Return the report for people."""
        lines = [f"{self.records} records read in {self.read_s:.1f} s"]
        for service, driven in self.services.items():
            rate = driven.inputs / driven.seconds if driven.seconds else 0
            lines.append(
                f"{service.value:8} {driven.inputs} inputs, {rate:.0f}/s: {driven.applied} applied,"
                f" {driven.set_back} set back, {len(driven.left_out)} left out, {len(driven.different)} different"
            )
            lines += [f"  left out, as no topic has its effect: {name}" for name in driven.left_out[:SHOWN]]
            lines += [f"  decided in another way: {name}" for name in driven.different[:SHOWN]]
        return lines


class Rebuild:
    """One rebuild of the deployment that the settings name into an empty database."""

    def __init__(self, settings: ServiceSettings, into: str) -> None:
        self._settings = settings.model_copy(update={"database_url": into})
        self._at = MachineClock().now()
        self._report = Rebuilt()

    def run(self) -> Rebuilt:
        """Read the topics to where they end now and apply everything.

        Raises:
            Refused: the database is not empty or not durable, or the topics can not be read.
        """
        _require_empty(self._settings.database_url)
        migrate(self._settings.database_url)
        with self._codec() as codec, TopicReader(self._settings) as reader:
            # offsets before ends: then the effects of whatever was taken are before the ends
            taken = {service: reader.committed(service) for service in REBUILT}
            self._report.ends = reader.spans((*STAGED_TOPICS, SlaSignalled.schema_name))
            with psycopg.connect(self._settings.database_url) as owner:
                staging = self._stage(owner, codec, reader, taken)
                self._restore_intake(staging, taken[Service.INTAKE])
                self._drive_matcher(staging, codec, taken[Service.MATCHER])
                self._drive_stager(staging, codec, taken[Service.STAGER])
                staging.drop()
            self._drive_clocks(reader, codec, taken[Service.SLA])
        return self._report

    @contextmanager
    def _codec(self) -> Iterator[Codec]:
        with make_registry_client(self._settings) as registry:
            yield Codec(RegistrySchemaIds(registry), topic_prefix=self._settings.topic_prefix)

    def _stage(
        self,
        owner: psycopg.Connection,
        codec: Codec,
        reader: TopicReader,
        taken: Mapping[Service, Mapping[Place, int]],
    ) -> Staging:
        began = time.monotonic()
        staging = Staging(owner)
        spans = {place: span for place, span in self._report.ends.items() if place[0] in STAGED_TOPICS}
        self._report.records = staging.fill(codec, reader.read(spans), taken)
        self._report.read_s = time.monotonic() - began
        return staging

    def _restore_intake(self, staging: Staging, taken: Mapping[Place, int]) -> None:
        if not taken:
            return
        with self._connection(Service.INTAKE) as connection, connection.transaction():
            lost = (_setback(staged, NOT_RECEIVED) for staged in staging.without_effect(Service.INTAKE))
            driven = self._report.services[Service.INTAKE] = Driven()
            while chunk := list(islice(lost, STEP)):
                Quarantine(Service.INTAKE).add(connection, chunk, self._at)
                driven.set_back += len(chunk)

    def _drive_matcher(self, staging: Staging, codec: Codec, taken: Mapping[Place, int]) -> None:
        pipeline = make_matcher(_own(MatcherSettings, self._settings))
        with self._driver(Service.MATCHER, pipeline, codec, ReferralMatched) as driver:
            inputs = in_order_of_meeting(staging.by_time(Service.MATCHER))
            while step := list(islice(inputs, STEP)):
                driver.step(Meeting(step), keeps_left_out=bool(taken))

    def _drive_stager(self, staging: Staging, codec: Codec, taken: Mapping[Place, int]) -> None:
        settings = _own(StagerSettings, self._settings)
        pipeline = Stager(load_rulebook(settings.sla_policy), instance=INSTANCE)
        with self._driver(Service.STAGER, pipeline, codec, ReferralChanged) as driver:
            for step in whole_lanes(staging.by_lane(Service.STAGER), STEP):
                driver.step(Lanes(step), keeps_left_out=bool(taken))

    def _drive_clocks(self, reader: TopicReader, codec: Codec, taken: Mapping[Place, int]) -> None:
        of_changes = {place: s for place, s in self._report.ends.items() if place[0] == ReferralChanged.schema_name}
        changes = (
            raw for raw in reader.read(of_changes)
            if not taken or raw.offset < taken.get((raw.topic, raw.partition), 0)
        )  # fmt: skip
        with self._driver(Service.SLA, Clocks(), codec, None) as driver:
            while step := list(islice(changes, STEP)):
                driver.take(step)
        of_signals = {place: s for place, s in self._report.ends.items() if place[0] == SlaSignalled.schema_name}
        with self._connection(Service.SLA) as connection:
            mark_fired(connection, codec, reader.read(of_signals))

    @contextmanager
    def _driver(
        self, service: Service, pipeline: Pipeline, codec: Codec, announces: type[Event] | None
    ) -> Iterator[Driver]:
        began = time.monotonic()
        codec.prepare(pipeline.produces)
        with self._connection(service) as connection:
            driver = Driver(pipeline, connection, codec, self._at, announces=announces)
            self._report.services[service] = driver.driven
            yield driver
            driver.finish()
        driver.driven.seconds = time.monotonic() - began

    def _connection(self, service: Service) -> psycopg.Connection:
        try:
            return connect(self._settings, role=service)
        except NotDurable as error:
            raise Refused(f"the database server may forget what it confirmed: {error}") from None


def whole_lanes(inputs: Iterable[Staged], size: int) -> Iterator[list[Staged]]:
    """Yield inputs that come lane by lane in steps of about a size, with no lane in two of them."""
    step: list[Staged] = []
    for _, lane in groupby(inputs, key=lambda one: one.lane):
        step += lane
        if len(step) >= size:
            yield step
            step = []
    if step:
        yield step


def _own(kind: type[S], settings: ServiceSettings) -> S:
    return kind(**{**settings.model_dump(), "instance": INSTANCE})


def _setback(staged: Staged, reason: str) -> Setback:
    return Setback(raw=staged.raw, reason=reason, state=QuarantineState.QUARANTINED, event_id=staged.event_id)


def _require_empty(database_url: str) -> None:
    try:
        with psycopg.connect(database_url) as connection:
            row = connection.execute(sql.SQL(_IS_EMPTY)).fetchone()
    except psycopg.OperationalError:
        raise Refused("no connection to the database to be filled") from None
    if row is None or row[0]:
        raise Refused("the database is not empty; a rebuild fills an empty one only")
