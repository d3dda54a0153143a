"""Let a pipeline decide a batch, and find the record that it can not decide."""

from collections.abc import Sequence

import psycopg
import structlog

from runtime.batch import Batch
from runtime.delivery import Delivery, Output
from runtime.encoding import OutputEncoder
from runtime.failures import Failures
from runtime.logs import place_of
from runtime.pipeline import Pipeline, Rejected
from runtime.postgres import is_away
from runtime.quarantine import QuarantineState

log = structlog.get_logger()

BEHIND_QUARANTINED = "behind_quarantined_record"
FAILED_IN_SERVICE = "failed_in_service"

Produced = dict[str, Sequence[Output]]


class UnknownCause(Exception):
    """The pipeline returned outputs for an event that it was not given."""


class Decider:
    """Runs a pipeline under savepoints: first the whole batch, then what is left of it one by one."""

    def __init__(self, pipeline: Pipeline, encoder: OutputEncoder) -> None:
        self._pipeline = pipeline
        self._encoder = encoder
        self._failures = Failures()

    def decide(self, connection: psycopg.Connection, batch: Batch, fresh: Sequence[Delivery]) -> Produced:
        """Return what each applied event of the batch causes; note the others as set back.

        Raises:
            psycopg.Error, InfrastructureUnavailable: not the fault of a record.
            TooManyFailures: the service is broken.
        """
        remaining = list(fresh)
        while remaining:
            try:
                return self._handled(connection, remaining)
            except Rejected as error:
                kept = self._without(batch, remaining, error)
                if kept is None:
                    break
                remaining = kept
            except Exception as error:
                if is_away(error):
                    raise
                # which record it was is found one by one
                log.warning("batch_failed", error=error, records=len(remaining))
                break
        return self._one_by_one(connection, batch, remaining)

    def _handled(self, connection: psycopg.Connection, deliveries: Sequence[Delivery]) -> Produced:
        with connection.transaction():
            outputs = self._pipeline.handle(connection, deliveries)
            if not outputs.keys() <= {delivery.event_id for delivery in deliveries}:
                raise UnknownCause
            produced = {d.event_id: self._encoder.encode(outputs.get(d.event_id, ()), d) for d in deliveries}
        self._failures.went_well()
        return dict(produced)

    def _one_by_one(self, connection: psycopg.Connection, batch: Batch, fresh: Sequence[Delivery]) -> Produced:
        produced: Produced = {}
        failed_keys: set[str] = set()
        for delivery in fresh:
            if self._pipeline.parks_by_key and delivery.key in failed_keys:
                batch.set_back(delivery, BEHIND_QUARANTINED, QuarantineState.PARKED)
                continue
            try:
                produced |= self._handled(connection, [delivery])
            except Exception as error:
                if is_away(error):
                    raise
                # one record's failure must not stop the others
                self._quarantine(batch, delivery, error)
                failed_keys.add(delivery.key)
        return produced

    def _quarantine(self, batch: Batch, delivery: Delivery, error: Exception) -> None:
        reason = error.reason if isinstance(error, Rejected) else FAILED_IN_SERVICE
        log.warning("record_quarantined", error=error, reason=reason, event_id=delivery.event_id)
        batch.set_back(delivery, reason, QuarantineState.QUARANTINED, place_of(error))
        if isinstance(error, Rejected):
            self._failures.went_well()
        else:
            self._failures.add(delivery, error)

    def _without(self, batch: Batch, remaining: Sequence[Delivery], error: Rejected) -> list[Delivery] | None:
        index = next((i for i, d in enumerate(remaining) if d.event_id == error.event_id), None)
        if index is None:
            return None
        culprit = remaining[index]
        log.warning("record_quarantined", error=error, reason=error.reason, event_id=culprit.event_id)
        batch.set_back(culprit, error.reason, QuarantineState.QUARANTINED, place_of(error))
        kept = list(remaining[:index])
        for delivery in remaining[index + 1 :]:
            if self._pipeline.parks_by_key and delivery.key == culprit.key:
                batch.set_back(delivery, BEHIND_QUARANTINED, QuarantineState.PARKED)
            else:
                kept.append(delivery)
        return kept
