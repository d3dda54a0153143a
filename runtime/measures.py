"""What the exactly-once step tells of itself."""

import time
from datetime import datetime

import psycopg

from runtime import metrics
from runtime.batch import Batch
from runtime.consumption import RecordSource
from runtime.quarantine import Quarantine, QuarantineState

LAG_EVERY_S = 1.0
#: people close quarantined records from outside, so that the count is asked for again after a while
QUARANTINE_EVERY_S = 10.0


class Measures:
    """Sets the metrics of one pipeline."""

    def __init__(self, service: str, source: RecordSource, connection: psycopg.Connection) -> None:
        self._service, self._source, self._connection = service, source, connection
        self._quarantine = Quarantine(service)
        self._lag_due = self._quarantine_due = 0.0

    def count(self, batch: Batch, at: datetime) -> None:
        """Count what became of each record of a finished batch, and what it produced."""
        for delivery in batch.deliveries:
            self._dispose(delivery.topic, "applied")
        for topic in (*(d.topic for d in batch.duplicates), *(raw.topic for raw in batch.known)):
            self._dispose(topic, "duplicate")
        for setback in batch.setbacks:
            is_parked = setback.state is QuarantineState.PARKED
            self._dispose(setback.raw.topic, "parked" if is_parked else "quarantined")
        for outputs in batch.outputs.values():
            for output in outputs:
                metrics.PRODUCED.labels(self._service, output.topic).inc()
        metrics.BATCH_RECORDS.labels(self._service).observe(len(batch.raws))
        metrics.LAST_COMMIT.labels(self._service).set(at.timestamp())
        if batch.setbacks or batch.retried:
            self._quarantine_due = 0.0

    def refresh(self) -> None:
        """Ask again for what changes by itself, as often as it is worth."""
        now = time.monotonic()
        if now >= self._lag_due:
            self._lag_due = now + LAG_EVERY_S
            metrics.LAG.labels(self._service).set(self._source.lag())
        if now >= self._quarantine_due:
            self._quarantine_due = now + QUARANTINE_EVERY_S
            with self._connection.transaction():
                metrics.QUARANTINE_OPEN.labels(self._service).set(self._quarantine.count_open(self._connection))

    def _dispose(self, topic: str, disposition: str) -> None:
        metrics.RECORDS.labels(self._service, topic, disposition).inc()
