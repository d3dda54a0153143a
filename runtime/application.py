"""The Postgres half of the exactly-once step: decide a batch once, or remember what was decided."""

from collections.abc import Sequence
from datetime import datetime

import psycopg

from runtime.attempts import KILLED_THE_PROCESS
from runtime.batch import Batch
from runtime.deciding import BEHIND_QUARANTINED, Decider, Produced
from runtime.delivery import Delivery, RawRecord
from runtime.encoding import OutputEncoder
from runtime.inbox import Inbox, Positions, share_partitions
from runtime.pipeline import Pipeline
from runtime.quarantine import Quarantine, QuarantineState
from schemas.codec import Codec, Undecodable
from schemas.event import Event

#: longer ids would not fit into an index
MAX_EVENT_ID_LENGTH = 200


class Application:
    """Applies batches of one pipeline to its schema."""

    def __init__(self, pipeline: Pipeline, codec: Codec, instance: str) -> None:
        self._pipeline = pipeline
        self._codec = codec
        self._inbox = Inbox(pipeline.service, instance)
        self._quarantine = Quarantine(pipeline.service)
        self._decider = Decider(pipeline, OutputEncoder(codec, source=pipeline.service))
        self._event_by_topic = {event.schema_name: event for event in pipeline.consumes}

    def apply(
        self,
        connection: psycopg.Connection,
        raws: Sequence[RawRecord],
        *,
        positions: Positions,
        published: Sequence[int],
        at: datetime,
        is_poison: bool = False,
    ) -> Batch:
        """Apply a batch in the transaction that is open and return it with its outputs."""
        batch = Batch(raws)
        unread = self._without_known(connection, batch)
        if is_poison:
            for raw in unread:
                batch.set_back_raw(raw, KILLED_THE_PROCESS)
            unread = []
        readable = [delivery for raw in unread if (delivery := self._decode(batch, raw)) is not None]
        if self._pipeline.keeps_inbox:
            self._inbox.mark_published(connection, published)
            batch.batch_id = self._inbox.open_batch(connection, positions)
            readable = self._claim(connection, batch, readable)
        fresh = self._hold_back_blocked(connection, batch, readable)
        produced = self._decider.decide(connection, batch, fresh)
        batch.deliveries = [delivery for delivery in fresh if delivery.event_id in produced]
        self._close(connection, batch, produced, at)
        return batch

    def _without_known(self, connection: psycopg.Connection, batch: Batch) -> list[RawRecord]:
        # a record whose setback was committed and whose offset was not comes again, and is set back already
        known = self._quarantine.known_places(connection, batch.raws)
        retried = self._quarantine.retried_rows(connection, batch.raws)
        known |= {place for place, (_, state) in retried.items() if state is QuarantineState.DISCARDED}
        batch.retried = {place: row_id for place, (row_id, _) in retried.items()}
        batch.known = [batch.raws[place] for place in sorted(known)]
        return [raw for place, raw in enumerate(batch.raws) if place not in known]

    def _decode(self, batch: Batch, raw: RawRecord) -> Delivery | None:
        try:
            event = self._codec.decode(self._event_by_topic[raw.topic], raw.value)
        except Undecodable as error:
            batch.set_back_raw(raw, error.reason)
            return None
        delivery = _delivery(raw, event)
        if not _is_usable_id(delivery.event_id):
            batch.set_back_raw(raw, "unusable_event_id")
            return None
        return batch.decoded(delivery, raw)

    def _claim(self, connection: psycopg.Connection, batch: Batch, readable: Sequence[Delivery]) -> list[Delivery]:
        assert batch.batch_id is not None  # noqa: S101 - opened just before
        claimed = set(self._inbox.claim(connection, batch.batch_id, (d.event_id for d in readable)))
        fresh: list[Delivery] = []
        for delivery in readable:
            (fresh if delivery.event_id in claimed else batch.duplicates).append(delivery)
            claimed.discard(delivery.event_id)
        return fresh

    def _hold_back_blocked(
        self, connection: psycopg.Connection, batch: Batch, fresh: Sequence[Delivery]
    ) -> list[Delivery]:
        if not self._pipeline.parks_by_key:
            return list(fresh)
        raw_by_delivery = [(delivery, batch.raw_of(delivery)) for delivery in fresh]
        blocked = self._quarantine.blocked_keys(connection, (raw.key for _, raw in raw_by_delivery))
        unreadable = {s.raw.key: batch.place_of(s.raw) for s in reversed(batch.in_order()) if s.raw.key is not None}
        kept = []
        for delivery, raw in raw_by_delivery:
            waiting = blocked.get(raw.key, []) if raw.key is not None else []
            is_behind = raw.key in unreadable and unreadable[raw.key] < batch.place_of(raw)
            if is_behind or (waiting and batch.row_of(raw) != waiting[0]):
                batch.set_back(delivery, BEHIND_QUARANTINED, QuarantineState.PARKED)
                continue
            kept.append(delivery)
            del waiting[:1]
        return kept

    def _close(self, connection: psycopg.Connection, batch: Batch, produced: Produced, at: datetime) -> None:
        self._quarantine.add(connection, batch.in_order(), at)
        self._quarantine.resolve(connection, batch.closed_rows())
        if self._pipeline.keeps_inbox:
            self._inbox.release(connection, [s.event_id for s in batch.setbacks if s.event_id is not None])
            self._inbox.store_outputs(connection, produced)
            batch.outputs = self._unpublished(connection, batch, produced)
        batch.outputs |= {d.event_id: produced[d.event_id] for d in batch.deliveries}

    def _unpublished(self, connection: psycopg.Connection, batch: Batch, produced: Produced) -> Produced:
        """Return what was decided before a crash and never said; it goes out before anything newer of its keys.

        The records that caused it may come again later than newer ones of other topics, or in this very batch.
        """
        assert batch.batch_id is not None  # noqa: S101 - opened by whoever keeps an inbox
        own = {(raw.topic, raw.partition): raw.offset for raw in batch.raws}
        steps = self._inbox.unpublished_steps(connection)
        earlier = [
            step for step, positions in steps.items() if step != batch.batch_id and share_partitions(own, positions)
        ]
        if not earlier:
            return {}
        keys = {output.key for outputs in produced.values() for output in outputs}
        repeated = {delivery.event_id for delivery in batch.duplicates}
        found = self._inbox.unpublished_outputs(connection, earlier, event_ids=sorted(repeated), keys=sorted(keys))
        self._inbox.adopt(connection, batch.batch_id, list(found))
        return dict(found)


def _delivery(raw: RawRecord, event: Event) -> Delivery:
    traceparent = raw.header("traceparent")
    return Delivery(
        event=event,
        event_id=str(event.event_id),  # type: ignore[attr-defined]  # every event on a topic has one
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        key=(raw.key or b"").decode("utf-8", "replace"),
        recorded_at=raw.recorded_at,
        traceparent=None if traceparent is None else traceparent.decode("latin-1"),
    )


def _is_usable_id(event_id: str) -> bool:
    return 0 < len(event_id) <= MAX_EVENT_ID_LENGTH and "\x00" not in event_id
