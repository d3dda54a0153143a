"""Inputs that changed nothing change nothing again, wherever their clocks would put them."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import psycopg
import pytest

from baton.migrations import migrate
from baton.rebuild.driving import NOT_ANNOUNCED, Driver
from baton.rebuild.lanes import Lanes
from baton.rebuild.staged import Staged
from runtime.application import Application
from runtime.delivery import RawRecord
from schemas.codec import Codec
from schemas.event import Event
from schemas.events import ReferralChanged
from schemas.vocabulary import CommandAction, Stage
from services.stager.data_files import load_rulebook
from services.stager.pipeline import Stager
from tests.support.schema_ids import RememberedSchemas
from tests.support.stager import FRIDAY, command, match


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    migrate(database_url)
    with psycopg.connect(database_url) as connection:
        yield connection


class Before:
    """A stager's work in another life: what it took, in which order, and what it announced."""

    def __init__(self) -> None:
        self.codec = Codec(RememberedSchemas())
        self.referral_id = match().referral_id
        self._offsets: dict[str, int] = {}

    def command(self, name: str, action: CommandAction, **fields: object) -> Event:
        return command(self.referral_id, "sue", action, command_id=name, **fields)

    def raw(self, event: Event, *, at_s: float) -> RawRecord:
        offset = self._offsets[event.schema_name] = self._offsets.get(event.schema_name, -1) + 1
        return RawRecord(
            topic=event.schema_name,
            partition=0,
            offset=offset,
            key=self.referral_id.encode(),
            value=self.codec.encode(event),
            headers=(),
            recorded_at=FRIDAY + timedelta(seconds=at_s),
        )

    def live(self, connection: psycopg.Connection, taken: Sequence[RawRecord]) -> list[Staged]:
        """Apply records in order and return them with what they announced; the tables are empty again afterwards."""
        application = Application(Stager(load_rulebook("standard"), instance="0"), self.codec, "0")
        with connection.transaction() as transaction:
            batch = application.apply(connection, taken, positions={}, published=(), at=FRIDAY)
            raise psycopg.Rollback(transaction)
        ids = {(d.topic, d.offset): d.event_id for d in batch.deliveries}
        return [self._staged(raw, ids.get((raw.topic, raw.offset)), batch.outputs) for raw in taken]

    def _staged(self, raw: RawRecord, event_id: str | None, outputs: object) -> Staged:
        said = outputs.get(event_id, ())  # type: ignore[attr-defined]
        effects = tuple(one.value for one in said if one.topic == ReferralChanged.schema_name)
        place = self.codec.decode(ReferralChanged, effects[0]).sequence if effects else 0
        return Staged(raw=raw, event_id=event_id, lane=self.referral_id, effects=effects, place=place)


def drive(connection: psycopg.Connection, before: Before, inputs: Sequence[Staged]) -> Driver:
    pipeline = Stager(load_rulebook("standard"), instance="rebuild")
    driver = Driver(pipeline, connection, before.codec, FRIDAY, announces=ReferralChanged)
    driver.step(Lanes(inputs), keeps_left_out=True)
    driver.finish()
    return driver


def test_a_command_that_was_stale_then_is_stale_again_though_its_time_is_earlier(
    connection: psycopg.Connection,
) -> None:
    before = Before()
    note = before.command("note", CommandAction.ADD_NOTE, comment="called")
    stale = before.command("stale", CommandAction.CLAIM, expected_version=1)
    opening, told, refused = (before.raw(event, at_s=at_s) for event, at_s in ((match(), 0), (note, 9), (stale, 5)))
    # from a partition of its own it was read later than it was written
    refused = refused._replace(partition=1)
    inputs = before.live(connection, [opening, told, refused])

    driver = drive(connection, before, inputs)

    row = connection.execute("SELECT outcome, refusal FROM stager.command WHERE action = 'claim'").fetchone()
    assert row == ("refused", "stale_version")
    assert (driver.driven.left_out, driver.driven.different) == ([], [])


def test_an_input_that_was_parked_is_not_applied_and_goes_to_quarantine(connection: psycopg.Connection) -> None:
    before = Before()
    opening = before.raw(match(), at_s=0)
    parked = before.raw(before.command("move", CommandAction.MOVE, to_stage=Stage.ELIGIBILITY), at_s=3)
    inputs = before.live(connection, [opening])
    event_id = before.command("move", CommandAction.MOVE).event_id  # type: ignore[attr-defined]
    waiting = Staged(raw=parked, event_id=event_id, lane=before.referral_id)

    driver = drive(connection, before, [*inputs, waiting])

    assert driver.driven.left_out == ["referral.commanded.v1/0/0"]
    assert connection.execute("SELECT reason, state FROM stager.quarantine").fetchall() == [
        (NOT_ANNOUNCED, "quarantined")
    ]
    assert connection.execute("SELECT stage FROM stager.referral").fetchone() == ("intake_received",)
    assert connection.execute("SELECT count(*) FROM stager.inbox WHERE event_id = %s", [event_id]).fetchone() == (0,)


def test_an_input_that_is_decided_in_another_way_is_told(connection: psycopg.Connection) -> None:
    before = Before()
    (opening,) = before.live(connection, [before.raw(match(), at_s=0)])
    told = before.codec.decode(ReferralChanged, opening.effects[0]).model_copy(update={"stage": Stage.ELIGIBILITY})
    other = Staged(
        raw=opening.raw, event_id=opening.event_id, lane=opening.lane, effects=(before.codec.encode(told),), place=1
    )

    driver = drive(connection, before, [other])

    assert driver.driven.different == ["referral.matched.v1/0/0"]
    assert connection.execute("SELECT count(*) FROM stager.batch WHERE NOT is_published").fetchone() == (0,)
