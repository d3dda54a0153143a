"""What a consumer of the step has read is told rightly, and what fails while partitions come can be caught."""

import time
from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaException, Producer, TopicPartition

from baton.stack.addresses import Addresses
from baton.topics import create_topics
from runtime.consumption import RecordSource
from runtime.kafka import make_admin, make_consumer, transactional_config
from runtime.progress import Progress
from runtime.settings import ServiceSettings
from runtime.watchdog import BrokerLag, Watchdog
from schemas.events import ReferralCommanded
from schemas.topics import topic_of
from tests.support.waiting import eventually


@pytest.fixture
def settings(stack: Addresses, topic_prefix: str) -> ServiceSettings:
    return ServiceSettings(
        kafka_bootstrap_servers=stack.kafka_bootstrap_servers,
        schema_registry_url=stack.schema_registry_url,
        database_url=stack.database_url,
        topic_prefix=topic_prefix,
        # so long that the end of the partition comes with the records before it
        batch_wait_ms=500,
    )


@pytest.fixture
def topic(settings: ServiceSettings) -> str:
    name = settings.topic_prefix + topic_of(ReferralCommanded).name
    create_topics(make_admin(settings.kafka_bootstrap_servers), {name: {}}, partitions=1, replication_factor=1)
    return name


@pytest.fixture
def writer(settings: ServiceSettings) -> Producer:
    made = Producer(transactional_config(settings, service="writer"))
    made.init_transactions(20)
    return made


def write(writer: Producer, topic: str, count: int, *, is_kept: bool) -> None:
    """Put records on a topic in a transaction, which is then committed or aborted."""
    writer.begin_transaction()
    for _ in range(count):
        writer.produce(topic, key=b"k", value=b"v")
    assert writer.flush(120) == 0
    writer.commit_transaction(20) if is_kept else writer.abort_transaction(20)


@pytest.fixture
def source(settings: ServiceSettings) -> Iterator[RecordSource]:
    consumer = make_consumer(settings, service="reader", on_error=lambda _error: None)
    made = RecordSource(consumer, settings)
    made.subscribe([ReferralCommanded], lambda: None)
    try:
        yield made
    finally:
        consumer.close()


def test_an_idle_reader_behind_transactions_has_nothing_unread(
    settings: ServiceSettings, topic: str, writer: Producer, source: RecordSource
) -> None:
    progress = Progress()
    lag = BrokerLag(settings, progress)
    watchdog = Watchdog(progress, limit_s=20.0, lag=lag)
    progress.committed_at -= 21
    sent, seen = 0, []

    def is_at_the_end() -> bool:
        seen.extend(source.read())
        progress.turned(source.reached)
        return len(seen) == sent and source.reached != {} and lag() == 0

    for kept in (1, 3, 0):
        write(writer, topic, kept, is_kept=True)
        write(writer, topic, 2, is_kept=False)
        sent += kept

        eventually(is_at_the_end, what="the reader to be at the end")

        assert watchdog.verdict(time.monotonic()) is None


def test_the_client_failing_at_the_assignment_is_raised_by_the_read(settings: ServiceSettings, topic: str) -> None:
    consumer = make_consumer(settings, service="reader", on_error=lambda _error: None)
    source = RecordSource(consumer, settings)
    calls = []

    def fail() -> None:
        calls.append(consumer.committed([TopicPartition(topic, 0)], timeout=0.0))

    source.subscribe([ReferralCommanded], fail)
    try:
        with pytest.raises(KafkaException, match="_TIMED_OUT"):
            eventually(lambda: source.read() and None, what="an assignment")
    finally:
        consumer.close()
    assert calls == []
