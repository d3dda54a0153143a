"""The tables of the exactly-once step: which events were applied, what they caused, what is on the topics."""

import json
from collections.abc import Iterable, Mapping, Sequence

import psycopg
from psycopg import sql

from runtime.delivery import Output

#: topic and partition -> the next offset to read, as committed with the step
Positions = Mapping[tuple[str, int], int]


class Inbox:
    """Applied events and their outputs in a service's schema."""

    def __init__(self, schema: str, instance: str) -> None:
        self._schema = sql.Identifier(schema)
        self._instance = instance

    def open_batch(self, connection: psycopg.Connection, positions: Positions) -> int:
        """Record a step and return its number."""
        query = "INSERT INTO {}.batch (instance, positions) VALUES (%s, %s) RETURNING batch_id"
        row = connection.execute(self._sql(query), [self._instance, _positions_text(positions)]).fetchone()
        assert row is not None  # noqa: S101 - RETURNING of one inserted row
        return int(row[0])

    def mark_published(self, connection: psycopg.Connection, batch_ids: Sequence[int]) -> None:
        """Record that the outputs of steps are on the topics."""
        if batch_ids:
            query = "UPDATE {}.batch SET is_published = true WHERE batch_id = ANY(%s)"
            connection.execute(self._sql(query), [list(batch_ids)])

    def unpublished_steps(self, connection: psycopg.Connection) -> dict[int, dict[tuple[str, int], int]]:
        """Return the steps whose outputs may not be on the topics, with the positions they moved to."""
        query = "SELECT batch_id, positions FROM {}.batch WHERE NOT is_published ORDER BY batch_id"
        return {int(batch_id): _positions_of(found) for batch_id, found in connection.execute(self._sql(query))}

    def claim(self, connection: psycopg.Connection, batch_id: int, event_ids: Iterable[str]) -> frozenset[str]:
        """Enter events and return those that were not there before.

        A concurrent claim of the same event waits for the other transaction; ids go in sorted, so that two
        such waits can not block one another.
        """
        query = (
            "INSERT INTO {}.inbox (event_id, batch_id) SELECT event_id, %s FROM unnest(%s::text[]) AS event_id"
            " ON CONFLICT DO NOTHING RETURNING event_id"
        )
        rows = connection.execute(self._sql(query), [batch_id, sorted(set(event_ids))]).fetchall()
        return frozenset(str(row[0]) for row in rows)

    def release(self, connection: psycopg.Connection, event_ids: Iterable[str]) -> None:
        """Take events out again that could not be applied."""
        connection.execute(self._sql("DELETE FROM {}.inbox WHERE event_id = ANY(%s)"), [list(event_ids)])

    def store_outputs(self, connection: psycopg.Connection, outputs: Mapping[str, Sequence[Output]]) -> None:
        """Keep the encoded outputs of events."""
        query = self._sql("COPY {}.outbox (event_id, position, topic, key, value, headers) FROM STDIN")
        with connection.cursor() as cursor, cursor.copy(query) as copy:
            for event_id, produced in outputs.items():
                for position, output in enumerate(produced):
                    row = (event_id, position, output.topic, output.key, output.value, headers_text(output.headers))
                    copy.write_row(row)

    def unpublished_outputs(
        self, connection: psycopg.Connection, steps: Sequence[int], *, event_ids: Sequence[str], keys: Sequence[str]
    ) -> dict[str, list[Output]]:
        """Return what earlier steps decided and may not have said about these keys and those of these events' outputs.

        The events come in the order in which they were decided.
        """
        query = (
            "WITH wanted AS (SELECT unnest(%s::text[]) AS key UNION"
            " SELECT key FROM {0}.outbox WHERE event_id = ANY(%s)),"
            " waiting AS (SELECT DISTINCT i.event_id FROM {0}.inbox i JOIN {0}.outbox o USING (event_id)"
            " WHERE i.batch_id = ANY(%s) AND o.key IN (SELECT key FROM wanted))"
            " SELECT o.event_id, o.topic, o.key, o.value, o.headers FROM waiting JOIN {0}.outbox o USING (event_id)"
            " ORDER BY o.place"
        )
        found: dict[str, list[Output]] = {}
        rows = connection.execute(self._sql(query), [list(keys), list(event_ids), list(steps)])
        for event_id, topic, key, value, headers in rows:
            output = Output(topic=topic, key=key, value=bytes(value), headers=headers_of(headers))
            found.setdefault(event_id, []).append(output)
        return found

    def adopt(self, connection: psycopg.Connection, batch_id: int, event_ids: Sequence[str]) -> None:
        """Move events whose outputs are produced again into the step that produces them."""
        query = "UPDATE {}.inbox SET batch_id = %s WHERE event_id = ANY(%s)"
        connection.execute(self._sql(query), [batch_id, list(event_ids)])

    def _sql(self, text: str) -> sql.Composed:
        return sql.SQL(text).format(self._schema)


def headers_text(headers: Iterable[tuple[str, bytes]]) -> str:
    """Return record headers as one JSON text."""
    return json.dumps([[name, (value or b"").decode("latin-1")] for name, value in headers])


def headers_of(text: str) -> tuple[tuple[str, bytes], ...]:
    """Return the record headers that a JSON text holds."""
    return tuple((name, value.encode("latin-1")) for name, value in json.loads(text))


def share_partitions(one: Positions, other: Positions) -> bool:
    """Tell whether two steps can concern the same keys: a key has the same partition number on every topic."""
    return not {partition for _, partition in one}.isdisjoint(partition for _, partition in other)


def _positions_text(positions: Positions) -> str:
    return json.dumps({f"{topic}/{partition}": offset for (topic, partition), offset in positions.items()})


def _positions_of(found: Mapping[str, int]) -> dict[tuple[str, int], int]:
    places = ((place.rpartition("/"), offset) for place, offset in found.items())
    return {(topic, int(partition)): offset for (topic, _, partition), offset in places}


def is_passed(positions: Positions, committed: Positions) -> bool:
    """Tell whether the group's offsets prove that a step is on the topics.

    Every partition has to be passed: after a crash a part of the step's records may have been taken again by a later
    step, while the outputs of the rest are still nowhere.
    """
    return all(committed.get(place, -1) >= offset for place, offset in positions.items())
