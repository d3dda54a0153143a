"""The Postgres half of the exactly-once step: decide a batch once, or remember what was decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
import structlog

from runtime.attempts import KILLED_THE_PROCESS
from runtime.delivery import Delivery, Output, RawRecord
from runtime.encoding import OutputEncoder
from runtime.inbox import Inbox, Positions
from runtime.logs import place_of
from runtime.pipeline import Outputs, Pipeline, Rejected
from runtime.quarantine import Quarantine, QuarantineState, Setback, retry_of
from schemas.codec import Codec, Undecodable
from schemas.event import Event

log = structlog.get_logger()

BEHIND_QUARANTINED = "behind_quarantined_record"
REFUSED_BY_RULES = "failed_in_service"


@dataclass
class Batch:
    """A batch on its way through one database transaction."""

    raws: Sequence[RawRecord]
    deliveries: list[Delivery] = field(default_factory=list)  #: readable records that may be applied
    duplicates: list[Delivery] = field(default_factory=list)
    setbacks: list[Setback] = field(default_factory=list)
    raw_by_delivery: dict[int, RawRecord] = field(default_factory=dict)
    #: outputs by causing event, in order of consumption
    outputs: dict[str, Sequence[Output]] = field(default_factory=dict)
    batch_id: int | None = None

    def raw_of(self, delivery: Delivery) -> RawRecord:
        """Return the record a delivery was decoded from."""
        return self.raw_by_delivery[id(delivery)]

    def set_back(self, delivery: Delivery, reason: str, state: QuarantineState, error_at: str | None = None) -> None:
        """Note that a delivery is not applied."""
        self.setbacks.append(
            Setback(
                raw=self.raw_of(delivery), reason=reason, state=state, event_id=delivery.event_id, error_at=error_at
            )
        )


class Application:
    """Applies batches of one pipeline to its schema."""

    def __init__(self, pipeline: Pipeline, codec: Codec, instance: str) -> None:
        self._pipeline = pipeline
        self._codec = codec
        self._inbox = Inbox(pipeline.service, instance)
        self._quarantine = Quarantine(pipeline.service)
        self._encoder = OutputEncoder(codec, source=pipeline.service)
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
        if is_poison:
            batch.setbacks = [_killer(raw) for raw in raws]
        else:
            self._decode(batch)
        if not self._pipeline.keeps_inbox:
            self._transform(connection, batch, at)
            return batch
        self._inbox.mark_published(connection, published)
        batch.batch_id = self._inbox.open_batch(connection, positions)
        self._hold_back_blocked(connection, batch)
        fresh = self._claim(connection, batch, batch.batch_id)
        outputs, applied = self._decide(connection, batch, fresh)
        self._close(connection, batch, outputs, applied, at)
        return batch

    def _transform(self, connection: psycopg.Connection, batch: Batch, at: datetime) -> None:
        outputs, applied = self._decide(connection, batch, batch.deliveries)
        batch.outputs = {d.event_id: self._encoder.encode(outputs.get(d.event_id, ()), d) for d in applied}
        batch.deliveries = applied
        if batch.setbacks:
            self._quarantine.add(connection, batch.setbacks, at)

    def _decode(self, batch: Batch) -> None:
        for raw in batch.raws:
            try:
                event = self._codec.decode(self._event_by_topic[raw.topic], raw.value)
            except Undecodable as error:
                batch.setbacks.append(Setback(raw=raw, reason=error.reason, state=QuarantineState.QUARANTINED))
                continue
            delivery = _delivery(raw, event)
            batch.raw_by_delivery[id(delivery)] = raw
            batch.deliveries.append(delivery)

    def _hold_back_blocked(self, connection: psycopg.Connection, batch: Batch) -> None:
        if not self._pipeline.parks_by_key:
            return
        keys = {raw.key for raw in batch.raws if raw.key is not None}
        blocked = self._quarantine.blocked_keys(connection, keys)
        unreadable = {s.raw.key for s in batch.setbacks}
        kept = []
        for delivery in batch.deliveries:
            raw = batch.raw_of(delivery)
            waiting = blocked.get(raw.key or b"", [])
            if (waiting and not _is_next(raw, waiting)) or (raw.key in unreadable and _follows(raw, batch.setbacks)):
                batch.set_back(delivery, BEHIND_QUARANTINED, QuarantineState.PARKED)
            else:
                kept.append(delivery)
                blocked[raw.key or b""] = waiting[1:]
        batch.deliveries = kept

    def _claim(self, connection: psycopg.Connection, batch: Batch, batch_id: int) -> list[Delivery]:
        claimed = set(self._inbox.claim(connection, batch_id, (d.event_id for d in batch.deliveries)))
        fresh: list[Delivery] = []
        seen: list[Delivery] = []
        for delivery in batch.deliveries:
            (fresh if delivery.event_id in claimed else seen).append(delivery)
            claimed.discard(delivery.event_id)
        batch.duplicates = seen
        return fresh

    def _decide(
        self, connection: psycopg.Connection, batch: Batch, fresh: Sequence[Delivery]
    ) -> tuple[Outputs, list[Delivery]]:
        remaining = list(fresh)
        while remaining:
            try:
                with connection.transaction() if self._pipeline.keeps_inbox else _NoSavepoint():
                    return self._pipeline.handle(connection, remaining), remaining
            except psycopg.OperationalError:
                raise
            except Rejected as error:
                remaining = self._without(batch, remaining, error)
            except Exception as error:  # noqa: BLE001 - which record it was is found one by one
                log.warning("batch_failed", error=error, records=len(remaining))
                return self._decide_one_by_one(connection, batch, remaining)
        return {}, []

    def _decide_one_by_one(
        self, connection: psycopg.Connection, batch: Batch, fresh: Sequence[Delivery]
    ) -> tuple[Outputs, list[Delivery]]:
        outputs: dict[str, Sequence[Event]] = {}
        applied = []
        failed_keys: set[str] = set()
        for delivery in fresh:
            if self._pipeline.parks_by_key and delivery.key in failed_keys:
                batch.set_back(delivery, BEHIND_QUARANTINED, QuarantineState.PARKED)
                continue
            try:
                with connection.transaction() if self._pipeline.keeps_inbox else _NoSavepoint():
                    outputs.update(self._pipeline.handle(connection, [delivery]))
                applied.append(delivery)
            except psycopg.OperationalError:
                raise
            except Exception as error:  # noqa: BLE001 - one record's failure must not stop the others
                reason = error.reason if isinstance(error, Rejected) else REFUSED_BY_RULES
                log.warning("record_quarantined", error=error, reason=reason, event_id=delivery.event_id)
                batch.set_back(delivery, reason, QuarantineState.QUARANTINED, place_of(error))
                failed_keys.add(delivery.key)
        return outputs, applied

    def _without(self, batch: Batch, remaining: Sequence[Delivery], error: Rejected) -> list[Delivery]:
        index = next((i for i, d in enumerate(remaining) if d.event_id == error.event_id), None)
        if index is None:
            raise error
        culprit = remaining[index]
        batch.set_back(culprit, error.reason, QuarantineState.QUARANTINED, place_of(error))
        kept = list(remaining[:index])
        for delivery in remaining[index + 1 :]:
            if self._pipeline.parks_by_key and delivery.key == culprit.key:
                batch.set_back(delivery, BEHIND_QUARANTINED, QuarantineState.PARKED)
            else:
                kept.append(delivery)
        return kept

    def _close(
        self,
        connection: psycopg.Connection,
        batch: Batch,
        outputs: Outputs,
        applied: Sequence[Delivery],
        at: datetime,
    ) -> None:
        done = {d.event_id for d in applied}
        self._inbox.release(connection, [s.event_id for s in batch.setbacks if s.event_id and s.event_id not in done])
        produced = {d.event_id: self._encoder.encode(outputs.get(d.event_id, ()), d) for d in applied}
        self._inbox.store_outputs(connection, produced)
        self._quarantine.add(connection, batch.setbacks, at)
        self._quarantine.resolve(
            connection, [r for d in (*applied, *batch.duplicates) if (r := retry_of(batch.raw_of(d))) is not None]
        )
        batch.outputs = self._with_repeats(connection, batch, produced)
        batch.deliveries = list(applied)

    def _with_repeats(
        self, connection: psycopg.Connection, batch: Batch, produced: Mapping[str, Sequence[Output]]
    ) -> dict[str, Sequence[Output]]:
        repeated_ids = [d.event_id for d in batch.duplicates if d.event_id not in produced]
        if not repeated_ids or batch.batch_id is None:
            return dict(produced)
        repeated = self._inbox.unpublished_outputs(connection, repeated_ids)
        self._inbox.adopt(connection, batch.batch_id, list(repeated))
        # repeats were consumed before what is new in this batch, so they go out first
        return {**repeated, **produced}


class _NoSavepoint:
    def __enter__(self) -> None:
        return

    def __exit__(self, *_: object) -> None:
        return


def _delivery(raw: RawRecord, event: Event) -> Delivery:
    return Delivery(
        event=event,
        event_id=str(event.event_id),  # type: ignore[attr-defined]  # every event on a topic has one
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        key=(raw.key or b"").decode("utf-8", "replace"),
        recorded_at=raw.recorded_at,
        traceparent=next((v.decode("latin-1") for n, v in raw.headers if n == "traceparent"), None),
    )


def _killer(raw: RawRecord) -> Setback:
    return Setback(raw=raw, reason=KILLED_THE_PROCESS, state=QuarantineState.QUARANTINED)


def _is_next(raw: RawRecord, waiting: Sequence[str]) -> bool:
    return retry_of(raw) == waiting[0]


def _follows(raw: RawRecord, setbacks: Sequence[Setback]) -> bool:
    return any(
        s.raw.key == raw.key
        and (s.raw.topic, s.raw.partition) == (raw.topic, raw.partition)
        and s.raw.offset < raw.offset
        for s in setbacks
    )
