"""A deployment that has lived: messy referrals, repeats, commands, corrections, signals and poison; then at rest."""

import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import psycopg
from confluent_kafka import Producer
from psycopg import sql

from baton.demo.staff import Staff
from baton.sandbox import Sandbox
from baton.synthetic.messages import render
from baton.synthetic.orders import make_orders
from baton.topic_reader import TopicReader
from baton.verify.settling import has_read
from runtime.kafka import producer_config
from runtime.settings import ServiceSettings
from schemas.events import ReferralCommanded
from schemas.topics import TOPICS, Service
from schemas.vocabulary import Channel
from tests.support.clinic import Clinic
from tests.support.waiting import eventually

SERVICES = ("channels", "intake", "matcher", "stager", "sla", "sla-firing", "board")
POLICY = Path(__file__).parents[1] / "faults" / "sla_policy.toml"
CHANNELS = (Channel.PORTAL, Channel.MAIL, Channel.FAX, Channel.VOICEMAIL, Channel.HL7, Channel.FHIR, Channel.CALLCENTRE)
REFERRALS = 36
STEPS = 60


@dataclass(frozen=True)
class LivedWorld:
    """Topics and tables of a deployment whose services are stopped."""

    settings: ServiceSettings
    sla_policy: str

    @contextmanager
    def copy(self) -> Iterator[ServiceSettings]:
        """Give out the deployment with a copy of its database, to be spoilt and thrown away."""
        with self.database(template=_name_of(self.settings.database_url)) as url:
            yield self.settings.model_copy(update={"database_url": url})

    @contextmanager
    def database(self, *, template: str = "template1") -> Iterator[str]:
        """Give out the address of a new database for the block."""
        name = f"t{uuid.uuid4().hex[:12]}"
        url = urlsplit(self.settings.database_url)
        server = url._replace(path="/postgres").geturl()
        with psycopg.connect(server, autocommit=True) as owner:
            make = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            owner.execute(make.format(sql.Identifier(name), sql.Identifier(template)))
            try:
                yield url._replace(path=f"/{name}").geturl()
            finally:
                owner.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def produce(self, topic: str, key: bytes | None, value: bytes, *, partition: int = -1) -> None:
        """Put a record on a topic as nobody of Baton would."""
        producer = Producer(producer_config(self.settings, client="stranger"))
        producer.produce(self.settings.topic_prefix + topic, key=key, value=value, partition=partition)
        assert producer.flush(120) == 0


@contextmanager
def lived_world(infrastructure: ServiceSettings, folder: Path) -> Iterator[LivedWorld]:
    """Run a deployment for a while, wait until all was read, and stop its services."""
    with Sandbox(infrastructure, folder, settings={"SLA_POLICY": str(POLICY)}, partitions=3) as sandbox:
        sandbox.start(*SERVICES)
        world = LivedWorld(sandbox.settings, str(POLICY))
        with Clinic(sandbox) as clinic:
            _live(clinic, world, Random(7))
        await_rest(sandbox.settings)
        sandbox.stop()
        yield world


def await_rest(settings: ServiceSettings) -> None:
    """Wait until every service has read its topics."""
    with TopicReader(settings) as reader:
        for service in (Service.INTAKE, Service.MATCHER, Service.STAGER, Service.SLA):
            topics = [topic.name for topic in TOPICS if service in topic.consumers]
            spans = reader.spans(topics)
            eventually(partial(has_read, reader, service, spans), what=f"{service} to read everything")


def _live(clinic: Clinic, world: LivedWorld, dice: Random) -> None:
    with closing(Staff(clinic.sandbox.environment()["BOARD_URL"], seed=7)) as staff:
        _work(clinic, staff, world, dice)


def _work(clinic: Clinic, staff: Staff, world: LivedWorld, dice: Random) -> None:
    orders = make_orders(4711)
    ids = []
    for number in range(REFERRALS):
        message = render(
            next(orders), CHANNELS[number % len(CHANNELS)], dice, clinic="harbor", is_messy=dice.random() < 0.5
        )
        ids.append(clinic.send(message))
        if number % 6 == 0:
            clinic.send(message)
        if message.channel is Channel.MAIL:
            # the same letter once more under another id: a repetition that only the matcher can see
            clinic.send(replace(message, content=message.content.replace(b"Message-ID: <", b"Message-ID: <again-", 1)))
    for referral_id in ids[:4]:
        clinic.referral(referral_id)
    _correct(clinic, ids)
    world.produce(ReferralCommanded.schema_name, ids[-1].encode(), b"not what this topic promises")
    for _ in range(STEPS):
        staff.step()
    clinic.command(ids[0], "sam", action="move", to_stage="completed")
    with psycopg.connect(world.settings.database_url) as connection:
        connection.autocommit = True
        eventually(lambda: _has_breach(connection), what="a breach")
    assert staff.done > STEPS / 3


def _has_breach(connection: psycopg.Connection) -> bool:
    row = connection.execute("SELECT EXISTS (SELECT FROM stager.stage_history WHERE kind = 'breached')").fetchone()
    return bool(row and row[0])


def _correct(clinic: Clinic, ids: list[str]) -> None:
    for referral_id in ids[:3]:
        patient_id = clinic.referral(referral_id)["patient_id"]
        body = {"referral_id": referral_id, "phone": "(617) 555-0142", "comment": "told by phone"}
        clinic.correct(patient_id, "ivy", **body)


def _name_of(database_url: str) -> str:
    return urlsplit(database_url).path.lstrip("/")
