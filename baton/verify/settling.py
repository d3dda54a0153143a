"""Wait until the services have read what was on their topics, so that what is on its way is not taken for lost."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import psycopg

from baton.topic_reader import Span, Spans, TopicReader
from baton.verify.evidence import consumed_topics
from runtime.inbox import Inbox, Positions, is_passed
from runtime.progress import Place
from schemas.topics import Service

LOOK_EVERY_S = 0.2
#: in the order in which a referral meets them: when one has read its topics, the next has everything to read
CHAIN = (Service.INTAKE, Service.MATCHER, Service.STAGER)


@dataclass
class Patience:
    """How long there still is to wait; shared by everything that waits."""

    within_s: float
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._deadline = self.clock() + self.within_s

    def until(self, look: Callable[[], bool]) -> bool:
        """Look again and again until it is so or time is up; look once at least."""
        while not look():
            if self.clock() >= self._deadline:
                return False
            time.sleep(LOOK_EVERY_S)
        return True


def settle(reader: TopicReader, patience: Patience) -> tuple[Spans, list[Service]]:
    """Wait for each service of the chain in turn; return what the first had to read, and who was not ready in time."""
    begun: Spans = {}
    unsettled = []
    for service in CHAIN:
        spans = reader.spans(consumed_topics(service))
        begun = begun or spans
        if not patience.until(partial(has_read, reader, service, spans)):
            unsettled.append(service)
    return begun, unsettled


def has_read(reader: TopicReader, service: Service, spans: Spans) -> bool:
    """Tell whether a service's group has consumed every record of spans; marks of transactions do not count."""
    return not reader.places_with_records(unread(spans, reader.committed(service)))


def unread(spans: Spans, committed: Mapping[Place, int]) -> dict[Place, Span]:
    """Return what of spans lies beyond what was consumed."""
    rest = {place: Span(max(span.first, committed.get(place, 0)), span.end) for place, span in spans.items()}
    return {place: span for place, span in rest.items() if span.first < span.end}


def await_announcements(
    connection: psycopg.Connection, reader: TopicReader, services: Sequence[Service], patience: Patience
) -> list[Service]:
    """Wait until what the tables show is on the topics too; return those services whose steps were not in time.

    The tables change first, the topics a moment later in one transaction with the group's offsets.
    """
    late = []
    for service in services:
        steps = tuple(Inbox(service.value, "").unpublished_steps(connection).values())
        if not patience.until(partial(_are_passed, reader, service, steps)):
            late.append(service)
    return late


def _are_passed(reader: TopicReader, service: Service, steps: Sequence[Positions]) -> bool:
    committed = reader.committed(service)
    return all(is_passed(positions, committed) for positions in steps)
