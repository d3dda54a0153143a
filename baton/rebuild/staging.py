"""Keep what the topics hold beside the new tables until it is applied, so that memory stays small."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

import psycopg
from psycopg import sql

from baton.rebuild.staged import Staged
from runtime.application import MAX_EVENT_ID_LENGTH
from runtime.delivery import RawRecord
from runtime.inbox import headers_of, headers_text
from runtime.progress import Place
from schemas.codec import Codec, Undecodable
from schemas.event import Event
from schemas.events import ReferralChanged, ReferralMatched, ReferralReceived
from schemas.ids import derived_id
from schemas.topics import BY_EVENT, TOPICS, Service
from schemas.vocabulary import MatchKind

#: who takes the records of a topic as inputs, and whose effects they are
TAKERS: Mapping[Service, tuple[str, ...]] = {
    service: tuple(topic.name for topic in TOPICS if service in topic.consumers)
    for service in (Service.INTAKE, Service.MATCHER, Service.STAGER)
}
ANNOUNCED_BY: Mapping[type[Event], Service] = {
    ReferralReceived: Service.INTAKE,
    ReferralMatched: Service.MATCHER,
    ReferralChanged: Service.STAGER,
}
STAGED_TOPICS = tuple(dict.fromkeys((*(t for ts in TAKERS.values() for t in ts), ReferralChanged.schema_name)))
FETCHED_AT_ONCE = 2_000

_CREATE = """
    CREATE SCHEMA rebuild;
    CREATE UNLOGGED TABLE rebuild.input (
        service text NOT NULL, topic text NOT NULL, partition integer NOT NULL, "offset" bigint NOT NULL, key bytea,
        value bytea, headers text NOT NULL, recorded_at timestamptz NOT NULL, event_id text, effect_key text,
        lane text NOT NULL
    );
    CREATE UNLOGGED TABLE rebuild.announced (
        service text NOT NULL, effect_key text NOT NULL, event_id text NOT NULL, partition integer NOT NULL,
        "offset" bigint NOT NULL, place integer NOT NULL, value bytea NOT NULL, processed_at timestamptz NOT NULL,
        decided_at timestamptz
    );
"""
_INPUT = "COPY rebuild.input FROM STDIN"
_ANNOUNCED = "COPY rebuild.announced FROM STDIN"
#: an event that is on its topic twice is one; so are copies of an input, and the one that was applied told its time
_ARRANGE = """
    CREATE UNLOGGED TABLE rebuild.effect AS
    SELECT service, effect_key, min(place) AS place, array_agg(value ORDER BY place) AS effects,
           min(processed_at) AS processed_at, min(decided_at) AS decided_at,
           (array_agg(partition ORDER BY place))[1] AS announced_partition,
           (array_agg("offset" ORDER BY place))[1] AS announced_offset
    FROM (SELECT DISTINCT ON (service, event_id) * FROM rebuild.announced
          ORDER BY service, event_id, partition, "offset") AS once
    GROUP BY service, effect_key;
    CREATE UNLOGGED TABLE rebuild.chosen AS
    SELECT DISTINCT ON (service, identity) *, max(coalesce(processed_at, recorded_at)) OVER of_partition AS step_at
    FROM (SELECT input.*, effect.place, effect.effects, effect.processed_at, effect.decided_at,
                 effect.announced_partition, effect.announced_offset,
                 coalesce(event_id, topic || '/' || partition || '/' || "offset") AS identity
          FROM rebuild.input LEFT JOIN rebuild.effect USING (service, effect_key)) AS known
    WINDOW of_partition AS (PARTITION BY service, topic, partition ORDER BY "offset")
    ORDER BY service, identity, (recorded_at = decided_at) DESC NULLS LAST, partition, "offset";
    ANALYZE rebuild.chosen;
"""
_COLUMNS = """
    topic, partition, "offset", key, value, headers, recorded_at, event_id, lane, place, effects, processed_at,
    announced_partition, announced_offset, step_at
"""
_BY_LANE = (
    f'SELECT {_COLUMNS} FROM rebuild.chosen WHERE service = %s ORDER BY lane COLLATE "C", topic, partition, "offset"'
)
_BY_TIME = f'SELECT {_COLUMNS} FROM rebuild.chosen WHERE service = %s ORDER BY step_at, topic, partition, "offset"'
_WITHOUT_EFFECT = f"SELECT {_COLUMNS} FROM rebuild.chosen WHERE service = %s AND effects IS NULL"


class Staging:
    """The records of the topics in tables of their own, on the owner's connection."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def fill(self, codec: Codec, records: Iterable[RawRecord], taken: Mapping[Service, Mapping[Place, int]]) -> int:
        """Keep records and return their number; those that a service had not taken yet are no input of it."""
        self._connection.execute(_CREATE)
        count, records = 0, iter(records)
        while chunk := list(islice(records, FETCHED_AT_ONCE)):
            count += len(chunk)
            readings = [(raw, _read(codec, raw)) for raw in chunk]
            self._copy(_INPUT, (row for raw, event in readings for row in _inputs(raw, event, taken)))
            self._copy(_ANNOUNCED, (row for raw, event in readings for row in _announcement(raw, event)))
        self._connection.execute("ANALYZE rebuild.input; ANALYZE rebuild.announced")
        self._connection.execute(_ARRANGE)
        self._connection.commit()
        return count

    def by_lane(self, service: Service) -> Iterator[Staged]:
        """Yield the inputs of a service, those of a referral together."""
        return (staged for _, staged in self._stream(_BY_LANE, service))

    def by_time(self, service: Service) -> Iterator[tuple[datetime, Staged]]:
        """Yield the inputs of a service in the order of the steps that took them."""
        return self._stream(_BY_TIME, service)

    def without_effect(self, service: Service) -> Iterator[Staged]:
        """Yield the inputs of a service that caused nothing."""
        return (staged for _, staged in self._stream(_WITHOUT_EFFECT, service))

    def drop(self) -> None:
        """Leave nothing behind."""
        self._connection.execute("DROP SCHEMA rebuild CASCADE")
        self._connection.commit()

    def _copy(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        with self._connection.cursor() as cursor, cursor.copy(sql.SQL(statement)) as copy:
            for row in rows:
                copy.write_row(row)

    def _stream(self, statement: str, service: Service) -> Iterator[tuple[datetime, Staged]]:
        with self._connection.cursor(name="staged") as cursor:
            cursor.itersize = FETCHED_AT_ONCE
            cursor.execute(sql.SQL(statement), [service.value])
            for row in cursor:
                yield row[-1], _staged(row)
        self._connection.commit()


def _read(codec: Codec, raw: RawRecord) -> Event | None:
    kinds = {topic.name: kind for kind, topic in BY_EVENT.items()}
    try:
        event = codec.decode(kinds[raw.topic], raw.value)
    except Undecodable:
        return None
    event_id = _event_id(event)
    return event if 0 < len(event_id) <= MAX_EVENT_ID_LENGTH and "\x00" not in event_id else None


def _inputs(
    raw: RawRecord, event: Event | None, taken: Mapping[Service, Mapping[Place, int]]
) -> Iterator[tuple[object, ...]]:
    for service, topics in TAKERS.items():
        if raw.topic not in topics or raw.offset >= _taken_to(taken[service], raw):
            continue
        event_id = None if event is None else _event_id(event)
        # the stager's changes name their cause; who has one effect alone gives it an id that follows from the cause's
        key = event_id if event_id is None or service is Service.STAGER else derived_id(event_id, 0)
        lane = getattr(event, "referral_id", None) or (raw.key or b"").decode("utf-8", "replace")
        yield (
            service.value, raw.topic, raw.partition, raw.offset, raw.key, raw.value, headers_text(raw.headers),
            raw.recorded_at, event_id, key, lane.replace("\x00", "\ufffd"),
        )  # fmt: skip


def _taken_to(taken: Mapping[Place, int], raw: RawRecord) -> int:
    # a group without any offset lost them; then the effects alone tell what was taken
    return taken.get((raw.topic, raw.partition), 0) if taken else raw.offset + 1


def _announcement(raw: RawRecord, event: Event | None) -> Iterator[tuple[object, ...]]:
    if event is None or type(event) not in ANNOUNCED_BY:
        return
    effect_key, place, decided_at = _event_id(event), 0, None
    if isinstance(event, ReferralChanged):
        effect_key, place, decided_at = event.cause_id, event.sequence, event.recorded_at
    elif isinstance(event, ReferralMatched) and event.kind is MatchKind.RECEIVED:
        decided_at = event.at
    yield (
        ANNOUNCED_BY[type(event)].value, effect_key, _event_id(event), raw.partition, raw.offset, place, raw.value,
        raw.recorded_at, decided_at,
    )  # fmt: skip


def _staged(row: tuple[Any, ...]) -> Staged:
    topic, partition, offset, key, value, headers, recorded_at, event_id, lane, place, effects = row[:11]
    processed_at, announced_partition, announced_offset = row[11:14]
    raw = RawRecord(
        topic=topic,
        partition=partition,
        offset=offset,
        key=None if key is None else bytes(key),
        value=None if value is None else bytes(value),
        headers=headers_of(headers),
        recorded_at=recorded_at,
    )
    return Staged(
        raw=raw,
        event_id=event_id,
        lane=lane,
        effects=tuple(bytes(one) for one in effects or ()),
        place=place or 0,
        processed_at=processed_at,
        announced_at=None if announced_offset is None else (announced_partition, announced_offset),
    )


def _event_id(event: Event) -> str:
    return str(event.event_id)  # type: ignore[attr-defined]  # every event on a topic has one
