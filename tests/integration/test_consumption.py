"""What fails while partitions are taken over ends reading with an error that can be caught."""

import pytest
from confluent_kafka import KafkaException, TopicPartition

from baton.stack.addresses import Addresses
from baton.topics import create_topics
from runtime.consumption import RecordSource
from runtime.kafka import make_admin, make_consumer
from runtime.settings import ServiceSettings
from schemas.events import ReferralCommanded
from schemas.topics import topic_of
from tests.support.waiting import eventually


def test_the_client_failing_at_the_assignment_is_raised_by_the_read(stack: Addresses, topic_prefix: str) -> None:
    settings = ServiceSettings(
        kafka_bootstrap_servers=stack.kafka_bootstrap_servers,
        schema_registry_url=stack.schema_registry_url,
        database_url=stack.database_url,
        topic_prefix=topic_prefix,
    )
    topic = topic_prefix + topic_of(ReferralCommanded).name
    create_topics(make_admin(stack.kafka_bootstrap_servers), {topic: {}}, partitions=1, replication_factor=1)
    consumer = make_consumer(settings, service="reader", on_error=lambda _error: None)
    source = RecordSource(consumer, settings)
    calls = []

    def fail() -> None:
        calls.append(consumer.committed([TopicPartition(topic, 0)], timeout=0.0))

    source.subscribe([ReferralCommanded], fail)
    try:
        with pytest.raises(KafkaException, match="_TIMED_OUT"):
            eventually(lambda: source.read() and None, within_s=20, what="an assignment")
    finally:
        consumer.close()
    assert calls == []
