"""What the exactly-once step tells of itself."""

import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import psycopg

from runtime import metrics
from runtime.batch import Batch
from runtime.consumption import RecordSource
from runtime.delivery import Delivery, Output, RawRecord
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
        parked = [setback.raw for setback in batch.setbacks if setback.state is QuarantineState.PARKED]
        quarantined = [setback.raw for setback in batch.setbacks if setback.state is not QuarantineState.PARKED]
        self._dispose("applied", batch.deliveries)
        self._dispose("duplicate", [*batch.duplicates, *batch.known])
        self._dispose("parked", parked)
        self._dispose("quarantined", quarantined)
        for topic, records in _by_topic(output for outputs in batch.outputs.values() for output in outputs):
            metrics.PRODUCED.labels(self._service, topic).inc(records)
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

    def _dispose(self, disposition: str, records: Iterable[Delivery | RawRecord]) -> None:
        for topic, count in _by_topic(records):
            metrics.RECORDS.labels(self._service, topic, disposition).inc(count)


def _by_topic(records: Iterable[RawRecord | Delivery | Output]) -> Iterable[tuple[str, int]]:
    # a label is looked up once a batch: that costs more than all else about counting
    return Counter([record.topic for record in records]).items()
