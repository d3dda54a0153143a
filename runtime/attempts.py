"""Find the record that kills its process: after an unclean end, records in hand are counted before they are read."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import psycopg
from psycopg import sql

from runtime.delivery import RawRecord

#: a record that was in hand at this many counted deaths, the last two of them alone, is quarantined unread
MAX_ATTEMPTS = 4
#: records with one counted death go on in groups of this size, those with more go alone
SUSPECTS_TOGETHER = 25
KILLED_THE_PROCESS = "killed_the_process"


class Attempts:
    """Counts of one instance; costs nothing after a clean end."""

    def __init__(self, schema: str, instance: str) -> None:
        self._schema = sql.Identifier(schema)
        self._instance = instance

    def begin_life(self, connection: psycopg.Connection) -> bool:
        """Note the start and tell whether the life before ended cleanly."""
        row = connection.execute(
            self._sql("SELECT ended_cleanly FROM {}.life WHERE instance = %s"), [self._instance]
        ).fetchone()
        self._note(connection, ended_cleanly=False)
        return row is None or bool(row[0])

    def end_life(self, connection: psycopg.Connection) -> None:
        """Note a clean end."""
        self._note(connection, ended_cleanly=True)

    def counts(self, connection: psycopg.Connection, records: Sequence[RawRecord]) -> list[int]:
        """Return how often each record was in hand when its process died."""
        query = (
            "SELECT coalesce(a.attempts, 0) FROM unnest(%s::text[], %s::int[], %s::bigint[])"
            ' WITH ORDINALITY AS r(topic, partition, "offset", place)'
            ' LEFT JOIN {}.attempt a USING (topic, partition, "offset") ORDER BY r.place'
        )
        return [int(row[0]) for row in connection.execute(self._sql(query), _columns(records))]

    def count_up(self, connection: psycopg.Connection, records: Sequence[RawRecord]) -> None:
        """Note durably that records are in hand."""
        query = (
            'INSERT INTO {}.attempt AS a (topic, partition, "offset", attempts)'
            ' SELECT topic, partition, "offset", 1 FROM unnest(%s::text[], %s::int[], %s::bigint[])'
            ' AS r(topic, partition, "offset")'
            ' ON CONFLICT (topic, partition, "offset") DO UPDATE SET attempts = a.attempts + 1'
        )
        connection.execute(self._sql(query), _columns(records))

    def count_down(self, connection: psycopg.Connection, records: Sequence[RawRecord]) -> None:
        """Take the last count back: the process ends for a reason that it knows, and no record is to blame."""
        query = (
            "UPDATE {}.attempt a SET attempts = a.attempts - 1"
            ' FROM unnest(%s::text[], %s::int[], %s::bigint[]) AS r(topic, partition, "offset")'
            ' WHERE (a.topic, a.partition, a."offset") = (r.topic, r.partition, r."offset")'
        )
        connection.execute(self._sql(query), _columns(records))

    def clear(self, connection: psycopg.Connection, records: Sequence[RawRecord]) -> None:
        """Forget records that were dealt with."""
        query = (
            "DELETE FROM {}.attempt a"
            ' USING unnest(%s::text[], %s::int[], %s::bigint[]) AS r(topic, partition, "offset")'
            ' WHERE (a.topic, a.partition, a."offset") = (r.topic, r.partition, r."offset")'
        )
        connection.execute(self._sql(query), _columns(records))

    def _note(self, connection: psycopg.Connection, *, ended_cleanly: bool) -> None:
        query = (
            "INSERT INTO {}.life (instance, ended_cleanly) VALUES (%s, %s)"
            " ON CONFLICT (instance) DO UPDATE SET ended_cleanly = excluded.ended_cleanly"
        )
        connection.execute(self._sql(query), [self._instance, ended_cleanly])

    def _sql(self, text: str) -> sql.Composed:
        return sql.SQL(text).format(self._schema)


def suspects_apart(records: Sequence[RawRecord], counts: Sequence[int]) -> Iterator[list[RawRecord]]:
    """Yield the records in order: those never in hand at a death together, suspects in few, strong suspects alone."""
    for count, run in groupby(zip(records, counts, strict=True), key=lambda pair: pair[1]):
        alike = [record for record, _ in run]
        size = len(alike) if count == 0 else SUSPECTS_TOGETHER if count == 1 else 1
        for start in range(0, len(alike), size):
            yield alike[start : start + size]


def _columns(records: Sequence[RawRecord]) -> list[object]:
    return [[r.topic for r in records], [r.partition for r in records], [r.offset for r in records]]
