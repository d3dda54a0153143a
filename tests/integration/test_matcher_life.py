"""The matcher as a process: what one person sends holds up nobody else."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from confluent_kafka import Consumer, TopicPartition

from baton.sandbox import Sandbox
from baton.stack.addresses import Addresses
from runtime.kafka import consumer_config, make_publisher
from runtime.registry import RegistrySchemaIds, make_registry_client
from runtime.settings import Environment, ServiceSettings
from schemas.codec import Codec
from schemas.events import ReferralMatched
from tests.support.matcher import ANNA, MONDAY, corrected, patient_of, received
from tests.support.waiting import eventually

CORRECTIONS = 200
#: more than the column holds; the board lets none of these in
NO_VERSION = 2**40


@pytest.fixture
def sandbox(stack: Addresses, tmp_path: Path) -> Iterator[Sandbox]:
    infrastructure = ServiceSettings(**stack.model_dump(), baton_environment=Environment.TEST)
    with Sandbox(infrastructure, tmp_path, partitions=1) as made:
        yield made


def test_corrections_that_the_database_refuses_leave_the_matcher_to_the_others(sandbox: Sandbox) -> None:
    with make_registry_client(sandbox.settings) as registry:
        codec = Codec(RegistrySchemaIds(registry), topic_prefix=sandbox.prefix)
        publisher = make_publisher(sandbox.settings, codec, source="test")
        known, normal = received("known", **ANNA), received("normal", clinic_id="hill", source="+16175550000")
        unwritable = [
            corrected(patient_of("known"), str(number), phone="+16175550177", expected_version=NO_VERSION)
            for number in range(CORRECTIONS)
        ]
        consumer = Consumer(consumer_config(sandbox.settings, service="test-reader"))
        consumer.assign([TopicPartition(sandbox.prefix + ReferralMatched.schema_name, 0, 0)])
        matched: list[str] = []

        def is_matched(referral_id: str) -> bool:
            for message in consumer.consume(500, 0.1):
                assert message.error() is None
                matched.append(codec.decode(ReferralMatched, message.value()).referral_id)
            return referral_id in matched

        sandbox.start("matcher")
        publisher.publish(known, MONDAY)
        eventually(lambda: is_matched(known.referral_id), what="the patient to be known")

        publisher.publish_all([*unwritable, normal], MONDAY)

        eventually(lambda: is_matched(normal.referral_id), what="the referral of the other clinic")
        consumer.close()
        eventually(lambda: quarantined(sandbox) == [("failed_in_service", CORRECTIONS)])
        assert sandbox.process("matcher").poll() is None


def quarantined(sandbox: Sandbox) -> list[tuple[object, ...]]:
    """Return the reasons of the matcher's quarantine with their numbers."""
    with psycopg.connect(sandbox.database_url) as connection:
        return connection.execute("SELECT reason, count(*) FROM matcher.quarantine GROUP BY 1").fetchall()
