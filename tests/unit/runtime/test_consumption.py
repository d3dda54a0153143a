"""What the client returns becomes records of own partitions, and an error is never skipped by mistake."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition

from runtime.consumption import PASSING_ERRORS, RecordSource, instant_of
from runtime.kafka import FatalKafkaError
from runtime.settings import ServiceSettings
from schemas.events import ReferralCommanded

SETTINGS = ServiceSettings(
    kafka_bootstrap_servers="b:1", schema_registry_url="http://r", database_url="postgresql://", topic_prefix="x."
)
TOPIC = "x.referral.commanded.v1"


@dataclass
class Found:
    """A message as the client returns it."""

    offset_: int = 0
    partition_: int = 0
    failure: KafkaError | None = None
    at: int = 1_795_000_000_000

    def error(self) -> KafkaError | None:
        return self.failure

    def topic(self) -> str:
        return TOPIC

    def partition(self) -> int:
        return self.partition_

    def offset(self) -> int:
        return self.offset_

    def key(self) -> bytes:
        return b"k"

    def value(self) -> bytes:
        return b"v"

    def headers(self) -> list[tuple[str, bytes | None]]:
        return [("a", b"1"), ("none", None)]

    def timestamp(self) -> tuple[int, int]:
        return 1, self.at


@dataclass
class Client:
    """As much of a consumer as is asked for."""

    partitions: list[int]
    messages: list[Found] = field(default_factory=list)
    committed_offsets: dict[int, int] = field(default_factory=dict)
    commit_error: KafkaError | None = None
    on_assign: Callable[..., None] = print

    def subscribe(self, _topics: list[str], on_assign: Callable[..., None]) -> None:
        self.on_assign = on_assign

    def consume(self, _size: int, _wait: float) -> list[Found]:
        taken, self.messages = self.messages, []
        return taken

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition(TOPIC, number) for number in self.partitions]

    def committed(self, places: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        return [TopicPartition(p.topic, p.partition, self.committed_offsets.get(p.partition, -1001)) for p in places]

    def commit(self, **_: Any) -> list[Any]:
        @dataclass
        class Answer:
            error: KafkaError | None

        return [Answer(self.commit_error)]


def source(client: Client) -> RecordSource:
    made = RecordSource(cast(Consumer, client), SETTINGS)
    made.subscribe([ReferralCommanded], lambda: None)
    client.on_assign(client, client.assignment())
    return made


def test_records_carry_no_prefix_and_all_bytes() -> None:
    (record,) = source(Client([0], [Found(5)])).read()

    assert (record.topic, record.partition, record.offset) == ("referral.commanded.v1", 0, 5)
    assert (record.key, record.value, record.headers) == (b"k", b"v", (("a", b"1"), ("none", b"")))
    assert record.recorded_at == datetime.fromtimestamp(1_795_000_000, UTC)


def test_records_of_a_partition_that_was_taken_away_meanwhile_are_left_to_its_owner() -> None:
    records = source(Client([1], [Found(5, 0), Found(7, 1)])).read()

    assert [(r.partition, r.offset) for r in records] == [(1, 7)]


def test_offsets_of_a_lost_partition_are_not_committed() -> None:
    client = Client([0, 1])
    made = source(client)
    client.partitions = [0]

    with pytest.raises(FatalKafkaError):
        made.offsets({("referral.commanded.v1", 0): 1, ("referral.commanded.v1", 1): 1})


@pytest.mark.parametrize("code", sorted(PASSING_ERRORS))
def test_what_passes_by_itself_is_waited_for(code: int) -> None:
    records = source(Client([0], [Found(failure=KafkaError(code)), Found(5)])).read()

    assert [r.offset for r in records] == [5]


@pytest.mark.parametrize(
    "code",
    [
        KafkaError._FATAL,
        KafkaError._MAX_POLL_EXCEEDED,
        KafkaError.FENCED_INSTANCE_ID,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError._AUTHENTICATION,
        KafkaError.OFFSET_OUT_OF_RANGE,
    ],
)
def test_any_other_error_ends_the_process(code: int) -> None:
    with pytest.raises(FatalKafkaError):
        source(Client([0], [Found(5), Found(failure=KafkaError(code))])).read()


def test_a_fatal_error_ends_the_process_whatever_its_code() -> None:
    fatal = KafkaError(KafkaError._TRANSPORT, "", True)

    with pytest.raises(FatalKafkaError):
        source(Client([0], [Found(failure=fatal)])).read()


def test_reading_has_reached_what_was_committed_then_the_last_record_then_the_end() -> None:
    client = Client([0, 1], committed_offsets={0: 40})
    made = source(client)
    at_first = dict(made.reached)
    client.messages = [Found(40), Found(41)]
    made.read()
    after_records = dict(made.reached)
    client.messages = [Found(44, 0, KafkaError(KafkaError._PARTITION_EOF))]
    made.read()

    place = "referral.commanded.v1"
    assert at_first == {(place, 0): 40, (place, 1): 0}
    assert after_records == {(place, 0): 42, (place, 1): 0}
    assert made.reached == {(place, 0): 44, (place, 1): 0}


def test_a_partition_whose_offset_is_refused_ends_the_process() -> None:
    client = Client([0], commit_error=KafkaError(KafkaError.ILLEGAL_GENERATION))

    with pytest.raises(FatalKafkaError):
        source(client).commit([TopicPartition(TOPIC, 0, 1)])


@pytest.mark.parametrize("milliseconds", [-(2**63), -1, 0, 10**15, 2**63 - 1])
def test_any_timestamp_becomes_an_instant_that_a_table_takes(milliseconds: int) -> None:
    found = instant_of(milliseconds)

    assert 1970 <= found.year <= 9999
    assert found.tzinfo is UTC
