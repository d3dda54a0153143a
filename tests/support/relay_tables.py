"""The relay's half in Postgres, without a broker."""

from collections.abc import Sequence
from datetime import UTC, datetime

import psycopg

from runtime.application import Application
from runtime.batch import Batch
from runtime.delivery import Output, RawRecord
from runtime.pipeline import Pipeline
from schemas.codec import Codec
from schemas.event import Event
from schemas.events import ReferralChanged, ReferralCommanded
from tests.support.relay import Relay, RelaySettings
from tests.support.schema_ids import RememberedSchemas

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
TOPIC = ReferralCommanded.schema_name


class RelayTables:
    """Applies batches and hands out raw records with rising offsets."""

    def __init__(self, database_url: str, connection: psycopg.Connection, pipeline: Pipeline | None = None) -> None:
        self.connection = connection
        self.codec = Codec(RememberedSchemas())
        self.pipeline = pipeline or Relay(relay_settings(database_url))
        self.application = Application(self.pipeline, self.codec, "0")
        self._offsets = [0, 0]

    def raw(
        self,
        event: Event | bytes,
        *,
        partition: int = 0,
        key: bytes | None = None,
        headers: tuple[tuple[str, bytes], ...] = (),
    ) -> RawRecord:
        """Return the next record of a partition."""
        offset = self._offsets[partition]
        self._offsets[partition] += 1
        if isinstance(event, bytes):
            return RawRecord(TOPIC, partition, offset, key, event, headers, AT)
        own_key = str(event.referral_id).encode()  # type: ignore[attr-defined]  # every command has one
        return RawRecord(TOPIC, partition, offset, key or own_key, self.codec.encode(event), headers, AT)

    def apply(self, *raws: RawRecord, published: Sequence[int] = (), is_poison: bool = False) -> Batch:
        """Apply one batch in one transaction."""
        positions = {(raw.topic, raw.partition): raw.offset + 1 for raw in raws}
        with self.connection.transaction():
            return self.application.apply(
                self.connection, raws, positions=positions, published=published, at=AT, is_poison=is_poison
            )

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Run a query."""
        with self.connection.transaction():
            return self.connection.execute(query.encode()).fetchall()

    def said(self, batch: Batch) -> list[tuple[str, int]]:
        """Return key and sequence of each output, in the order in which it is produced."""
        return [self._said(output) for outputs in batch.outputs.values() for output in outputs]

    def _said(self, output: Output) -> tuple[str, int]:
        return output.key, self.codec.decode(ReferralChanged, output.value).sequence


def relay_settings(database_url: str) -> RelaySettings:
    """Return settings for a relay that is never run as a process."""
    return RelaySettings(kafka_bootstrap_servers="none", schema_registry_url="none", database_url=database_url)
