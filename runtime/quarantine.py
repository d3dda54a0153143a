"""Records that could not be applied: kept untouched with the reason, and those that wait behind them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import psycopg
from psycopg import sql

from runtime.delivery import RawRecord
from runtime.inbox import headers_text
from schemas.ids import named_id

#: a record that is driven again carries the id of its quarantine row
RETRY_HEADER = "baton-retry-of"
_ROW_ID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class QuarantineState(StrEnum):
    """What became of a quarantined record."""

    QUARANTINED = "quarantined"
    PARKED = "parked"  #: waits behind a quarantined record of the same key
    RETRYING = "retrying"  #: sent to its topic again
    RESOLVED = "resolved"  #: applied
    DISCARDED = "discarded"  #: given up by a person


@dataclass(frozen=True, kw_only=True, slots=True)
class Setback:
    """A record that was not applied, and why."""

    raw: RawRecord
    reason: str
    state: QuarantineState
    event_id: str | None = None
    error_at: str | None = None
    #: the row it came from when it is driven again
    row_id: str | None = None

    @property
    def quarantine_id(self) -> str:
        """The row of this record."""
        return self.row_id or quarantine_id_of(self.raw)


def quarantine_id_of(raw: RawRecord) -> str:
    """Return the id of a record's row; offsets alone can come again after a topic is made anew."""
    value = (raw.value or b"").hex()
    return named_id("quarantine", raw.topic, str(raw.partition), str(raw.offset), value)


def retry_of(raw: RawRecord) -> str | None:
    """Return the quarantine row that a record claims to be driven again for."""
    claimed = raw.header(RETRY_HEADER)
    return claimed.decode() if claimed is not None and _ROW_ID.fullmatch(claimed) else None


class Quarantine:
    """The quarantine table of a service's schema."""

    def __init__(self, schema: str) -> None:
        self._schema = sql.Identifier(schema)

    def known_places(self, connection: psycopg.Connection, raws: Sequence[RawRecord]) -> set[int]:
        """Return the places of those records that have a row already, because they were delivered before."""
        offsets: dict[tuple[str, int], list[int]] = {}
        for raw in raws:
            offsets.setdefault((raw.topic, raw.partition), []).append(raw.offset)
        query = (
            'SELECT q.topic, q.partition, q."offset", q.value FROM {}.quarantine q'
            " JOIN unnest(%s::text[], %s::int[], %s::bigint[], %s::bigint[]) AS r(topic, partition, low, high)"
            ' ON q.topic = r.topic AND q.partition = r.partition AND q."offset" BETWEEN r.low AND r.high'
        )
        columns = [[topic for topic, _ in offsets], [partition for _, partition in offsets]]
        limits = [[min(found) for found in offsets.values()], [max(found) for found in offsets.values()]]
        rows = connection.execute(self._sql(query), [*columns, *limits]).fetchall()
        if not rows:
            return set()
        known = {tuple(row) for row in rows}
        return {place for place, r in enumerate(raws) if (r.topic, r.partition, r.offset, r.value) in known}

    def retried_rows(
        self, connection: psycopg.Connection, raws: Sequence[RawRecord]
    ) -> dict[int, tuple[str, QuarantineState]]:
        """Return, by place, the rows that records are driven again for; only the row's own bytes prove it."""
        claims = [(place, raw, row) for place, raw in enumerate(raws) if (row := retry_of(raw)) is not None]
        if not claims:
            return {}
        query = (
            "SELECT r.place, q.quarantine_id, q.state FROM {}.quarantine q"
            " JOIN unnest(%s::int[], %s::text[], %s::text[], %s::bytea[], %s::bytea[])"
            " AS r(place, row_id, topic, key, value) ON q.quarantine_id = r.row_id AND q.topic = r.topic"
            " AND q.key IS NOT DISTINCT FROM r.key AND q.value IS NOT DISTINCT FROM r.value"
        )
        raws_claiming = [raw for _, raw, _ in claims]
        columns: list[object] = [
            [place for place, _, _ in claims], [row_id for _, _, row_id in claims],
            [raw.topic for raw in raws_claiming], [raw.key for raw in raws_claiming],
            [raw.value for raw in raws_claiming],
        ]  # fmt: skip
        rows = connection.execute(self._sql(query), columns)
        return {int(place): (str(row_id), QuarantineState(state)) for place, row_id, state in rows}

    def blocked_keys(self, connection: psycopg.Connection, keys: Iterable[bytes | None]) -> dict[bytes, list[str]]:
        """Return, for the keys that have open rows, the ids of these rows in order."""
        query = (
            "SELECT key, quarantine_id FROM {}.quarantine WHERE key = ANY(%s)"
            " AND state IN ('quarantined', 'parked', 'retrying') ORDER BY entry"
        )
        blocked: dict[bytes, list[str]] = {}
        for key, quarantine_id in connection.execute(self._sql(query), [list(set(keys))]):
            blocked.setdefault(bytes(key), []).append(quarantine_id)
        return blocked

    def add(self, connection: psycopg.Connection, setbacks: Sequence[Setback], at: datetime) -> None:
        """Keep records that were not applied; one that was driven again goes back to its row."""
        query = (
            'INSERT INTO {0}.quarantine AS q (quarantine_id, topic, partition, "offset", key, value, headers,'
            " recorded_at, event_id, reason, error_at, state, quarantined_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (quarantine_id) DO UPDATE SET state = excluded.state, reason = excluded.reason,"
            " error_at = excluded.error_at, attempts = q.attempts + 1"
        )
        rows = [
            (
                s.quarantine_id, s.raw.topic, s.raw.partition, s.raw.offset, s.raw.key, s.raw.value,
                headers_text(s.raw.headers), s.raw.recorded_at, s.event_id, s.reason, s.error_at, s.state, at,
            )
            for s in setbacks
        ]  # fmt: skip
        if rows:
            with connection.cursor() as cursor:
                cursor.executemany(self._sql(query), rows)

    def resolve(self, connection: psycopg.Connection, quarantine_ids: Sequence[str]) -> None:
        """Close the rows of records that were driven again and applied."""
        if quarantine_ids:
            query = "UPDATE {}.quarantine SET state = 'resolved' WHERE quarantine_id = ANY(%s)"
            connection.execute(self._sql(query), [list(quarantine_ids)])

    def count_open(self, connection: psycopg.Connection) -> int:
        """Return how many records are not dealt with."""
        query = "SELECT count(*) FROM {}.quarantine WHERE state IN ('quarantined', 'parked', 'retrying')"
        row = connection.execute(self._sql(query)).fetchone()
        return int(row[0]) if row else 0

    def _sql(self, text: str) -> sql.Composed:
        return sql.SQL(text).format(self._schema)
