"""Look at quarantined records, drive them again through their topic, or give them up."""

import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import psycopg
from confluent_kafka import KafkaError, KafkaException, Producer
from psycopg import sql
from psycopg.rows import dict_row

from baton.refusal import Refused
from runtime.audit import AuditEntry, append_audit, detail_of
from runtime.inbox import headers_of
from runtime.kafka import producer_config
from runtime.quarantine import RETRY_HEADER, QuarantineState
from runtime.settings import ServiceSettings
from schemas.vocabulary import Role

OPEN = frozenset({QuarantineState.QUARANTINED, QuarantineState.PARKED, QuarantineState.RETRYING})
AUDIT_CHAIN = "quarantine"
MAY_DISCARD = frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR})
PUBLISH_TIMEOUT_S = 30.0
LOOK_EVERY_S = 0.1
#: keys and ids as Baton writes them; a foreign writer's could be anything, a name included
_ORDINARY = re.compile(r"[A-Za-z0-9._:|-]{1,64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class QuarantinedRecord:
    """A row of a service's quarantine without the record's value."""

    service: str
    quarantine_id: str
    entry: int
    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: str
    recorded_at: datetime
    event_id: str | None
    reason: str
    error_at: str | None
    state: QuarantineState
    attempts: int
    quarantined_at: datetime

    @property
    def lane(self) -> tuple[str, bytes | str]:
        """What is driven again together, in order: the records of a key; a record without a key goes by itself."""
        return self.service, self.quarantine_id if self.key is None else self.key

    def as_json(self) -> dict[str, object]:
        """Return what may be shown of the record: never its value, nor a header's."""
        return {
            "id": self.quarantine_id,
            "service": self.service,
            "state": self.state.value,
            "reason": self.reason,
            "attempts": self.attempts,
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "key": _shown((self.key or b"").decode("utf-8", "replace")),
            "event_id": _shown(self.event_id or ""),
            "error_at": self.error_at,
            "recorded_at": self.recorded_at.isoformat(),
            "quarantined_at": self.quarantined_at.isoformat(),
            "headers": [name for name, _ in headers_of(self.headers)],
        }


class Quarantines:
    """The quarantine tables of all services."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        query = "SELECT table_schema FROM information_schema.tables WHERE table_name = 'quarantine' ORDER BY 1"
        with connection.transaction():
            self.services = tuple(str(row[0]) for row in connection.execute(query))

    def find(
        self,
        *,
        service: str | None = None,
        states: Collection[QuarantineState] = OPEN,
        quarantine_id: str | None = None,
        key: bytes | None = None,
    ) -> list[QuarantinedRecord]:
        """Return rows in the order of their arrival, by service.

        Raises:
            Refused: no such service.
        """
        if service is not None and service not in self.services:
            raise Refused(f"no service {service} has a quarantine; there are {', '.join(self.services)}")
        query = (
            'SELECT quarantine_id, entry, topic, partition, "offset", key, headers, recorded_at, event_id, reason,'
            " error_at, state, attempts, quarantined_at FROM {}"
            " WHERE state = ANY(%(states)s) AND (%(id)s::text IS NULL OR quarantine_id = %(id)s)"
            " AND (%(key)s::bytea IS NULL OR key = %(key)s) ORDER BY entry"
        )
        parameters = {"states": [state.value for state in states], "id": quarantine_id, "key": key}
        found: list[QuarantinedRecord] = []
        for name in self.services if service is None else (service,):
            with self._connection.transaction(), self._connection.cursor(row_factory=dict_row) as cursor:
                rows = cursor.execute(_of(name, query), parameters)
                found += [_record(name, row) for row in rows]
        return found

    def get(self, quarantine_id: str) -> QuarantinedRecord:
        """Return one row in any state.

        Raises:
            Refused: there is none.
        """
        found = self.find(quarantine_id=quarantine_id, states=tuple(QuarantineState))
        if not found:
            raise Refused("no such record in quarantine")
        return found[0]

    def value(self, record: QuarantinedRecord) -> bytes | None:
        """Return the untouched bytes of a record."""
        query = _of(record.service, "SELECT value FROM {} WHERE quarantine_id = %s")
        with self._connection.transaction():
            row = self._connection.execute(query, [record.quarantine_id]).fetchone()
        return None if row is None or row[0] is None else bytes(row[0])

    def begin_retry(self, records: Iterable[QuarantinedRecord]) -> None:
        """Note that open rows are driven again; must be durable before their records are published."""
        with self._connection.transaction():
            for record in records:
                query = "UPDATE {} SET state = 'retrying' WHERE quarantine_id = %s AND state = ANY(%s)"
                self._connection.execute(_of(record.service, query), [record.quarantine_id, list(OPEN)])

    def discard(self, quarantine_id: str, *, user: str, at: datetime) -> QuarantinedRecord:
        """Give a record up for good, in one transaction with the audit entry of who did.

        Raises:
            Refused: no such record, not open, or the user may not.
        """
        record = self.get(quarantine_id)
        with self._connection.transaction():
            network_id, role = self._staff(user)
            query = "UPDATE {} SET state = 'discarded' WHERE quarantine_id = %s AND state = ANY(%s)"
            changed = self._connection.execute(_of(record.service, query), [quarantine_id, list(OPEN)])
            if changed.rowcount == 0:
                raise Refused(f"the record is {record.state.value}")
            detail = detail_of({"service": record.service, "topic": record.topic, "reason": record.reason})
            entry = AuditEntry(
                at=at, actor=user, actor_role=role, action="discard_record", network_id=network_id,
                cause_id=quarantine_id, detail=detail,
            )  # fmt: skip
            append_audit(self._connection, AUDIT_CHAIN, [entry])
        return record

    def _staff(self, user: str) -> tuple[str, str]:
        row = self._connection.execute(
            "SELECT network_id, role FROM directory.staff WHERE user_id = %s", [user]
        ).fetchone()
        if row is None or row[1] not in MAY_DISCARD:
            raise Refused(f"only a {' or '.join(sorted(MAY_DISCARD))} may give a record up")
        return str(row[0]), str(row[1])


@dataclass(frozen=True, slots=True)
class RetryReport:
    """What driving records again came to."""

    driven: int
    #: open rows that failed again or wait behind one that did
    failed: tuple[QuarantinedRecord, ...] = ()
    #: open rows that no service has taken yet
    waiting: tuple[QuarantinedRecord, ...] = ()


class Retry:
    """Drives records again through their topic, the records of a key in order, until none of them is open."""

    def __init__(self, quarantines: Quarantines, settings: ServiceSettings) -> None:
        self._quarantines = quarantines
        self._prefix = settings.topic_prefix
        self._producer = Producer(producer_config(settings, client="quarantine"))

    def run(self, chosen: Sequence[QuarantinedRecord], *, wait_s: float) -> RetryReport:
        """Publish the chosen records and all that wait behind them; with no time to wait, only publish.

        Raises:
            Refused: the broker did not confirm; the same retry may be started again.
        """
        lanes = {record.lane for record in chosen}
        deadline = time.monotonic() + wait_s
        driven: set[str] = set()
        while records := [record for record in self._open() if record.lane in lanes]:
            self._publish(records)
            driven |= {record.quarantine_id for record in records}
            waiting = self._await_answers(driven, deadline)
            if waiting:
                return RetryReport(driven=len(driven), waiting=tuple(waiting))
            # a lane whose first record waits goes on: records were parked behind it while it was driven
            lanes &= {first.lane for first in _firsts(self._open()) if first.state is QuarantineState.PARKED}
        started = {record.lane for record in chosen}
        return RetryReport(len(driven), failed=tuple(record for record in self._open() if record.lane in started))

    def _open(self) -> list[QuarantinedRecord]:
        return self._quarantines.find()

    def _await_answers(self, driven: Collection[str], deadline: float) -> list[QuarantinedRecord]:
        while True:
            found = self._quarantines.find(states={QuarantineState.RETRYING})
            waiting = [record for record in found if record.quarantine_id in driven]
            if not waiting or time.monotonic() >= deadline:
                return waiting
            time.sleep(LOOK_EVERY_S)

    def _publish(self, records: Sequence[QuarantinedRecord]) -> None:
        self._quarantines.begin_retry(records)
        failures: list[str] = []

        def delivered(error: KafkaError | None, _message: object) -> None:
            if error is not None:
                failures.append(error.name())

        try:
            for record in records:
                self._producer.produce(**self._message(record), on_delivery=delivered)
                self._producer.poll(0)
        except (KafkaException, BufferError):
            failures.append("not_taken")
        if self._producer.flush(PUBLISH_TIMEOUT_S) or failures:
            raise Refused("the broker did not confirm every record; retry again")

    def _message(self, record: QuarantinedRecord) -> dict[str, Any]:
        headers = [header for header in headers_of(record.headers) if header[0] != RETRY_HEADER]
        message: dict[str, Any] = {
            "topic": self._prefix + record.topic,
            "key": record.key,
            "value": self._quarantines.value(record),
            "headers": [*headers, (RETRY_HEADER, record.quarantine_id.encode())],
            # the record's own time stays: it is the "now" of what is decided on it
            "timestamp": int(record.recorded_at.timestamp() * 1000),
        }
        return message if record.key is not None else message | {"partition": record.partition}


def _firsts(records: Iterable[QuarantinedRecord]) -> Iterator[QuarantinedRecord]:
    seen = set()
    for record in records:
        if record.lane not in seen:
            seen.add(record.lane)
            yield record


def _of(service: str, query: str) -> sql.Composed:
    return sql.SQL(cast(Any, query)).format(sql.Identifier(service, "quarantine"))


def _record(service: str, row: Mapping[str, Any]) -> QuarantinedRecord:
    key = None if row["key"] is None else bytes(row["key"])
    return QuarantinedRecord(service=service, **{**row, "key": key, "state": QuarantineState(row["state"])})


def _shown(text: str) -> str | None:
    if not text:
        return None
    return text if _ORDINARY.fullmatch(text) else "(not shown)"
