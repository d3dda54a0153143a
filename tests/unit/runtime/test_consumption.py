"""What the client returns becomes records of own partitions, and an error is never skipped by mistake."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, cast

import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from runtime.consumption import PASSING_ERRORS, RecordSource, instant_of
from runtime.kafka import FatalKafkaError
from runtime.settings import ServiceSettings
from schemas.events import ReferralCommanded

SETTINGS = ServiceSettings(
    kafka_bootstrap_servers="b:1", schema_registry_url="http://r", database_url="postgresql://", topic_prefix="x."
)
TOPIC = "x.referral.commanded.v1"
PLACE = "referral.commanded.v1"


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


def end_at(offset: int, partition: int = 0) -> Found:
    """Return what a client says when it has reached the end of a partition."""
    return Found(offset, partition, KafkaError(KafkaError._PARTITION_EOF))


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
    client.messages = [end_at(44)]
    made.read()

    assert at_first == {(PLACE, 0): 40, (PLACE, 1): 0}
    assert after_records == {(PLACE, 0): 42, (PLACE, 1): 0}
    assert made.reached == {(PLACE, 0): 44, (PLACE, 1): 0}


def test_the_end_that_comes_with_the_last_record_is_not_forgotten() -> None:
    client = Client([0, 1], [Found(40), Found(7, 1), end_at(42), Found(8, 1)])
    made = source(client)

    made.read()

    assert made.reached == {(PLACE, 0): 42, (PLACE, 1): 9}


def test_a_partition_that_is_assigned_again_is_where_the_group_is() -> None:
    client = Client([0], [Found(40), end_at(42)], committed_offsets={0: 40})
    made = source(client)
    made.read()

    client.on_assign(client, client.assignment())

    assert made.reached == {(PLACE, 0): 40}


def test_reading_that_begins_anew_takes_its_position_back() -> None:
    client = Client([0], [Found(40), end_at(42)])
    made = source(client)
    made.read()
    client.messages = [Found(0)]

    made.read()

    assert made.reached == {(PLACE, 0): 1}


@given(entries=st.lists(st.sampled_from(["record", "aborted", "marker"]), max_size=30), data=st.data())
def test_nothing_is_unread_once_the_end_was_told_whatever_lies_before_it(
    entries: list[str], data: st.DataObject
) -> None:
    written = data.draw(st.integers(0, len(entries)), label="written when reading begins")
    told = told_by_a_client(entries, written)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(told)), max_size=5), label="reads end at"))
    client = Client([0])
    made = source(client)

    for start, stop in pairwise((0, *cuts, len(told))):
        client.messages = told[start:stop]
        made.read()

    assert made.reached == {(PLACE, 0): len(entries)}


def told_by_a_client(entries: list[str], written: int) -> list[Found]:
    """Return a client's messages for a log of which some was written at first: its records, and twice its end."""
    first = [Found(offset) for offset in range(written) if entries[offset] == "record"]
    then = [Found(offset) for offset in range(written, len(entries)) if entries[offset] == "record"]
    return [*first, end_at(written), *then, end_at(len(entries))]


def test_a_partition_whose_offset_is_refused_ends_the_process() -> None:
    client = Client([0], commit_error=KafkaError(KafkaError.ILLEGAL_GENERATION))

    with pytest.raises(FatalKafkaError):
        source(client).commit([TopicPartition(TOPIC, 0, 1)])


@pytest.mark.parametrize("milliseconds", [-(2**63), -1, 0, 10**15, 2**63 - 1])
def test_any_timestamp_becomes_an_instant_that_a_table_takes(milliseconds: int) -> None:
    found = instant_of(milliseconds)

    assert 1970 <= found.year <= 9999
    assert found.tzinfo is UTC
