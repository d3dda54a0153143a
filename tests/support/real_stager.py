"""The stager on a real Postgres, fed without a broker."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from runtime.delivery import Delivery, RawRecord
from runtime.pipeline import Outputs
from runtime.settings import ServiceSettings
from schemas.codec import Codec
from schemas.event import Event
from schemas.events import ReferralChanged
from schemas.topics import key_of
from schemas.vocabulary import CommandAction, Stage
from services.stager import store
from services.stager.pipeline import Stager
from services.stager.rules.referral import Referral
from services.stager.rules.transitions import Input
from tests.support.stager import FRIDAY, command, match, rulebook
from tests.support.stager_inputs import Step, input_of

TABLES = ("referral", "stage_history", "task", "document", "command")


class RealStager:
    """The stager on a connection, fed without a broker."""

    def __init__(self, connection: psycopg.Connection, *, instance: str = "test") -> None:
        self.connection = connection
        self.pipeline = Stager(rulebook(), instance=instance)
        self.events: list[Event] = []
        self._number = 0

    def handle(self, *inputs: Input) -> Outputs:
        """Apply inputs in one transaction, as one batch."""
        batch = [self._delivery(event) for event in inputs]
        with self.connection.transaction():
            outputs = self.pipeline.handle(self.connection, batch)
        self.events += [event for delivery in batch for event in outputs[delivery.event_id]]
        return outputs

    def ask(self, referral_id: str, user: str, action: CommandAction, **fields: Any) -> dict[str, Any]:
        """Let somebody ask for something and return the answer."""
        self._number += 1
        asked = command(referral_id, user, action, command_id=f"real-{self._number}", **fields)
        self.handle(asked)
        return self.row("SELECT * FROM stager.command WHERE command_id = %s", asked.event_id)

    def move(self, referral_id: str, user: str, *stages: Stage, **fields: Any) -> None:
        """Move a referral through stages; each move must be allowed."""
        for stage in stages:
            answer = self.ask(referral_id, user, CommandAction.MOVE, to_stage=stage, **fields)
            assert answer["outcome"] == "applied", answer

    def referral(self, referral_id: str) -> Referral:
        """Return a referral as the store reads it."""
        with self.connection.transaction():
            return store.load(self.connection, [referral_id], {}).referrals[referral_id]

    def row(self, query: str, *values: object) -> dict[str, Any]:
        """Return the one row of a query."""
        (row,) = self.rows(query, *values)
        return row

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        with self.connection.transaction(), self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query.encode(), values).fetchall()

    def changes(self, referral_id: str) -> list[ReferralChanged]:
        """Return the facts told of a referral."""
        return [e for e in self.events if isinstance(e, ReferralChanged) and e.referral_id == referral_id]

    def _delivery(self, event: Input) -> Delivery:
        return Delivery(
            event=event,
            event_id=event.event_id,
            topic=event.schema_name,
            partition=0,
            offset=0,
            key=key_of(event),
            recorded_at=recorded_at(event),
            traceparent=None,
        )


def recorded_at(event: Input) -> datetime:
    """Return a record's timestamp: a moment after the input's own time."""
    own: datetime = getattr(event, "at", None) or event.fired_at  # type: ignore[union-attr]  # a signal has no `at`
    return own + timedelta(seconds=1)


def play(stager: RealStager, life: Sequence[Step]) -> list[Input]:
    """Play a life one input at a time and return its inputs."""
    now = FRIDAY
    inputs = []
    for number, step in enumerate(life):
        now += timedelta(minutes=step.minutes)
        referral_id = match(step.referral).referral_id
        with stager.connection.transaction():
            working = store.load(stager.connection, [referral_id], {})
        tasks = tuple(working.open_tasks[referral_id].values())
        event = input_of(step, number, now, rulebook().table, working.referrals.get(referral_id), tasks)
        stager.handle(event)
        inputs.append(event)
    return inputs


def contents(stager: RealStager, *tables: str) -> dict[str, list[str]]:
    """Return all rows of tables, in an order of their own."""
    query = "SELECT t::text AS row FROM stager.{} t ORDER BY 1"
    return {name: [row["row"] for row in stager.rows(query.format(name))] for name in tables}


def empty(connection: psycopg.Connection) -> None:
    with connection.transaction():
        for table in TABLES:
            connection.execute(sql.SQL("DELETE FROM stager.{}").format(sql.Identifier(table)))


def settings_of(database_url: str) -> ServiceSettings:
    return ServiceSettings(kafka_bootstrap_servers="", schema_registry_url="", database_url=database_url)


class OneSchemaEach:
    """A registry in memory."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def id_of(self, subject: str, schema_text: str) -> int:
        """Return the id of a schema, known from now on."""
        if schema_text not in self._texts:
            self._texts.append(schema_text)
        return self._texts.index(schema_text)

    def schema_text(self, schema_id: int) -> str:
        """Return the schema of an id."""
        return self._texts[schema_id]


def raw(codec: Codec, event: Input, offset: int) -> RawRecord:
    return RawRecord(
        topic=event.schema_name,
        partition=0,
        offset=offset,
        key=key_of(event).encode(),
        value=codec.encode(event),
        headers=(),
        recorded_at=recorded_at(event),
    )
