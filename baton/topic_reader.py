"""Read topics from their start to where they ended at one instant, committed records only, in nobody's group."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from baton.refusal import Refused
from runtime.consumption import PASSING_ERRORS, record_of
from runtime.delivery import RawRecord
from runtime.kafka import make_admin
from runtime.progress import Place
from runtime.settings import ServiceSettings

ASK_TIMEOUT_S = 10.0
READ_AT_ONCE = 1000
POLL_S = 0.2
#: a broker that sends nothing for so long is not going to
STALL_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Span:
    """The offsets of one partition from the first that is kept up to, but without, the end."""

    first: int
    end: int


Spans = Mapping[Place, Span]


class TopicReader:
    """Reads the topics of one deployment; topics are named without its prefix."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._prefix = settings.topic_prefix
        self._admin: AdminClient = make_admin(settings.kafka_bootstrap_servers)
        self._consumer = Consumer(
            {
                "bootstrap.servers": settings.kafka_bootstrap_servers,
                "client.id": f"{settings.topic_prefix}baton-reader",
                # the library wants a name; nothing is ever committed under it
                "group.id": f"{settings.topic_prefix}baton-reader",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                "fetch.wait.max.ms": 50,
                "log_level": 0,
            }
        )

    def __enter__(self) -> "TopicReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def spans(self, topics: Iterable[str]) -> dict[Place, Span]:
        """Return where the partitions of topics begin, and where committed records end now.

        Raises:
            Refused: a topic does not exist, or the broker does not answer.
        """
        places = self._partitions(list(topics))
        # the client library leaves these two without types
        firsts = self._offsets(places, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        ends = self._offsets(places, OffsetSpec.latest())  # type: ignore[no-untyped-call]
        return {place: Span(firsts[place], ends[place]) for place in places}

    def read(self, spans: Spans, *, first_only: bool = False) -> Iterator[RawRecord]:
        """Yield the records of spans, or the first of each; those of a partition in order.

        Raises:
            Refused: the broker stopped sending before the end.
        """
        open_places = {place: span.end for place, span in spans.items() if span.first < span.end}
        self._consumer.assign([self._tp(place, spans[place].first) for place in open_places])
        try:
            yield from self._until_ends(open_places, first_only=first_only)
        finally:
            self._consumer.unassign()

    def places_with_records(self, spans: Spans) -> set[Place]:
        """Return the partitions that hold a record in their span, and not only marks of transactions."""
        return {(record.topic, record.partition) for record in self.read(spans, first_only=True)}

    def committed(self, service: str) -> dict[Place, int]:
        """Return how far a service's group has consumed, where it ever has.

        Raises:
            Refused: the broker does not answer.
        """
        group = self._prefix + service
        try:
            asked = self._admin.list_consumer_group_offsets(
                [ConsumerGroupTopicPartitions(group)], request_timeout=ASK_TIMEOUT_S
            )
            answer = asked[group].result()
        except KafkaException as error:
            if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
                return {}
            raise _unavailable(error) from None
        found = {(self._bare(p.topic), p.partition): p.offset for p in answer.topic_partitions}
        return {place: offset for place, offset in found.items() if offset >= 0}

    def _partitions(self, topics: list[str]) -> list[Place]:
        try:
            known = self._admin.list_topics(timeout=ASK_TIMEOUT_S).topics
        except KafkaException as error:
            raise _unavailable(error) from None
        if missing := [topic for topic in topics if self._prefix + topic not in known]:
            raise Refused(f"no such topic: {', '.join(missing)}")
        return [(topic, partition) for topic in topics for partition in sorted(known[self._prefix + topic].partitions)]

    def _offsets(self, places: Iterable[Place], which: OffsetSpec) -> dict[Place, int]:
        asked = {self._tp(place): which for place in places}
        try:
            answers = self._admin.list_offsets(
                asked, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=ASK_TIMEOUT_S
            )
            return {(self._bare(tp.topic), tp.partition): int(f.result().offset) for tp, f in answers.items()}
        except KafkaException as error:
            raise _unavailable(error) from None

    def _until_ends(self, open_places: dict[Place, int], *, first_only: bool) -> Iterator[RawRecord]:
        heard_at = time.monotonic()
        while open_places:
            messages = self._consumer.consume(READ_AT_ONCE, POLL_S)
            if messages:
                heard_at = time.monotonic()
            elif time.monotonic() - heard_at > STALL_LIMIT_S:
                raise Refused(f"the broker sends no records of {min(open_places)[0]}")
            for message in messages:
                place = (self._bare(message.topic() or ""), message.partition() or 0)
                if place not in open_places:
                    continue
                reached = message.offset() or 0
                if _is_record(message) and reached < open_places[place]:
                    yield record_of(message, topic=place[0])
                    reached = open_places[place] if first_only else reached + 1
                # the end of a partition and a record beyond the span both tell that nothing more is in it
                if reached >= open_places[place]:
                    del open_places[place]
                    self._consumer.incremental_unassign([self._tp(place)])

    def _tp(self, place: Place, offset: int = 0) -> TopicPartition:
        return TopicPartition(self._prefix + place[0], place[1], offset)

    def _bare(self, topic: str) -> str:
        return topic.removeprefix(self._prefix)


def _is_record(message: Message) -> bool:
    error = message.error()
    if error is not None and (error.fatal() or error.code() not in PASSING_ERRORS):
        raise Refused(f"the broker refuses to send {message.topic()}: {error.name()}")
    return error is None


def _unavailable(error: KafkaException) -> Refused:
    return Refused(f"the broker does not answer: {error.args[0].name()}")
