"""Bring what the topics hold beside the tables: temporary tables of the checking session, ids and words only."""

from collections.abc import Iterable, Iterator, Mapping

import psycopg

from baton.topic_reader import Spans
from runtime.application import MAX_EVENT_ID_LENGTH
from runtime.delivery import RawRecord
from runtime.progress import Place
from runtime.quarantine import retry_of
from schemas.codec import Codec, Undecodable
from schemas.event import Event
from schemas.events import IntakeSubmitted
from schemas.ids import referral_id_of
from schemas.topics import TOPICS, Service

#: services whose step keeps an inbox; the service's word is also the name of its group and schema
WITH_INBOX = (Service.MATCHER, Service.STAGER, Service.SLA, Service.COURIER)
#: what is taken over of an event, where it has it
FIELDS = ("referral_id", "submission_id", "patient_id", "sequence", "kind", "stage", "cause_id")
EVENT_BY_TOPIC: Mapping[str, type[Event]] = {topic.name: topic.event for topic in TOPICS}

_TABLES = """
    CREATE TEMP TABLE record (
        topic text NOT NULL, partition integer NOT NULL, "offset" bigint NOT NULL, key text, event_id text,
        retry_of text, referral_id text, submission_id text, patient_id text, sequence integer, kind text, stage text,
        cause_id text
    );
    CREATE TEMP TABLE span (
        topic text NOT NULL, partition integer NOT NULL, first bigint NOT NULL, sure_end bigint NOT NULL,
        last_end bigint NOT NULL
    );
    CREATE TEMP TABLE consumption (
        service text NOT NULL, topic text NOT NULL, partition integer NOT NULL, committed bigint NOT NULL
    );
"""
_COPY_RECORDS = """
    COPY record (topic, partition, "offset", key, event_id, retry_of, referral_id, submission_id, patient_id, sequence,
                 kind, stage, cause_id) FROM STDIN
"""


def consumed_topics(service: Service) -> tuple[str, ...]:
    """Return the topics that a service reads."""
    return tuple(topic.name for topic in TOPICS if service in topic.consumers)


def create_tables(connection: psycopg.Connection) -> None:
    """Create the session's temporary tables."""
    connection.execute(_TABLES)


def note_spans(connection: psycopg.Connection, sure: Spans, last: Spans) -> None:
    """Note which records were there before the tables were looked at, and which when the topics were read."""
    with connection.cursor() as cursor, cursor.copy("COPY span FROM STDIN") as copy:
        for place, span in last.items():
            copy.write_row((*place, span.first, sure[place].end, span.end))


def note_consumption(connection: psycopg.Connection, committed: Mapping[Service, Mapping[Place, int]]) -> None:
    """Note how far each service's group had consumed."""
    with connection.cursor() as cursor, cursor.copy("COPY consumption FROM STDIN") as copy:
        for service, places in committed.items():
            for place, offset in places.items():
                copy.write_row((service.value, *place, offset))


def load_records(connection: psycopg.Connection, codec: Codec, records: Iterable[RawRecord]) -> int:
    """Stream records into the session's table and return their number."""
    count = 0
    with connection.cursor() as cursor, cursor.copy(_COPY_RECORDS) as copy:
        for row in rows_of(codec, records):
            copy.write_row(row)
            count += 1
    connection.execute("ANALYZE record")
    return count


def rows_of(codec: Codec, records: Iterable[RawRecord]) -> Iterator[tuple[object, ...]]:
    """Yield a row for each record: where it is, which event it is, and the ids and words that are compared."""
    for raw in records:
        place = (raw.topic, raw.partition, raw.offset, _text((raw.key or b"").decode("utf-8", "replace")))
        event = _event(codec, raw)
        if event is None:
            yield (*place, None, retry_of(raw), *(None for _ in FIELDS))
            continue
        fields = dict.fromkeys(FIELDS) | {name: _text(getattr(event, name, None)) for name in FIELDS}
        if isinstance(event, IntakeSubmitted):
            fields["referral_id"] = referral_id_of(event.submission_id)
        yield (*place, _event_id(event), retry_of(raw), *fields.values())


def _event(codec: Codec, raw: RawRecord) -> Event | None:
    try:
        event = codec.decode(EVENT_BY_TOPIC[raw.topic], raw.value)
    except Undecodable:
        return None
    # a service quarantines such a record as it does one that it can not read
    is_usable = 0 < len(_event_id(event)) <= MAX_EVENT_ID_LENGTH and "\x00" not in _event_id(event)
    return event if is_usable else None


def _event_id(event: Event) -> str:
    return str(event.event_id)  # type: ignore[attr-defined]  # every event on a topic has one


def _text(value: object) -> object:
    return value.replace("\x00", "\ufffd") if isinstance(value, str) else value
