"""A small pipeline that runs as a real process: it counts the commands of each referral, and can be poisoned.

Run as `python -m tests.support.relay`. A command's comment makes it misbehave, as long as it is not healed:
`fail` raises, `reject` is refused, `kill` takes the process along, `huge` causes a record that no reader takes, `away`
needs a part that is away.
"""

import os
import signal
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import psycopg

from runtime.delivery import Delivery
from runtime.pipeline import Outputs, Rejected
from runtime.process import run_pipeline
from runtime.settings import ServiceSettings
from runtime.unavailable import InfrastructureUnavailable
from schemas.event import Event
from schemas.events import ReferralChanged, ReferralCommanded
from schemas.ids import derived_id
from schemas.vocabulary import ActorType, ChangeKind, Channel, ClockState, Priority, Stage, WaitingOn

SERVICE = "relay"
LONG_AGO = datetime(2026, 1, 5, 9, tzinfo=UTC)
TABLES = """
    CREATE TABLE relay.counter (referral_id text PRIMARY KEY, count integer NOT NULL);
    CREATE TABLE relay.effect (event_id text NOT NULL, referral_id text NOT NULL, sequence integer NOT NULL);
"""


class RelaySettings(ServiceSettings):
    """The step's settings and the relay's ways to misbehave."""

    #: poison is harmless once this file exists
    healed: str = ""
    #: how long a batch takes
    dawdle_s: float = 0.0
    #: False for a relay without outputs
    speaks: bool = True
    #: False for a relay whose repeats its reader has to drop
    keeps_inbox: bool = True


class Relay:
    """Numbers the commands of each referral densely."""

    service = SERVICE
    consumes: tuple[type[Event], ...] = (ReferralCommanded,)

    def __init__(self, settings: RelaySettings) -> None:
        self._settings = settings
        self.produces: tuple[type[Event], ...] = (ReferralChanged,) if settings.speaks else ()
        self.keeps_inbox = settings.keeps_inbox
        self.parks_by_key = settings.keeps_inbox

    def handle(self, connection: psycopg.Connection, batch: Sequence[Delivery]) -> Outputs:
        """Count each command once; raise for poison."""
        time.sleep(self._settings.dawdle_s)
        counts = _lock_counts(connection, {delivery.key for delivery in batch})
        effects = []
        outputs: dict[str, Sequence[Event]] = {}
        for delivery in batch:
            self._bite(delivery)
            counts[delivery.key] = counts.get(delivery.key, 0) + 1
            effects.append((delivery.event_id, delivery.key, counts[delivery.key]))
            outputs[delivery.event_id] = self._outputs(delivery, counts[delivery.key])
        _write(connection, counts, effects)
        return outputs

    def _bite(self, delivery: Delivery) -> None:
        if self._settings.healed and Path(self._settings.healed).exists():
            return
        match _command(delivery).comment:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "fail":
                raise ValueError("what is in the record")
            case "away":
                raise InfrastructureUnavailable
            case "reject":
                raise Rejected(delivery.event_id, "not_today")

    def _outputs(self, delivery: Delivery, sequence: int) -> Sequence[Event]:
        return (changed(_command(delivery), sequence),) if self._settings.speaks else ()


def changed(cause: ReferralCommanded, sequence: int) -> ReferralChanged:
    """Return what a command causes."""
    return ReferralChanged(
        event_id=derived_id(cause.event_id, 0),
        referral_id=cause.referral_id,
        sequence=sequence,
        network_id=cause.network_id,
        clinic_id="harbor",
        kind=ChangeKind.NOTE_ADDED,
        stage=Stage.ELIGIBILITY,
        stage_entry=1,
        stage_entered_at=LONG_AGO,
        owner_queue="x" * 1_200_000 if cause.comment == "huge" else "riverside.harbor.eligibility",
        clock=ClockState.RUNNING,
        waiting_on=WaitingOn.CLINIC,
        priority=Priority.ROUTINE,
        actor_type=ActorType.SERVICE,
        actor=SERVICE,
        effective_at=cause.at,
        recorded_at=cause.at,
        cause_id=cause.event_id,
        stage_table_version=1,
        channel=Channel.MAIL,
        received_at=LONG_AGO,
    )


def _command(delivery: Delivery) -> ReferralCommanded:
    return cast(ReferralCommanded, delivery.event)


def _lock_counts(connection: psycopg.Connection, keys: Iterable[str]) -> dict[str, int]:
    query = "SELECT referral_id, count FROM relay.counter WHERE referral_id = ANY(%s) ORDER BY referral_id FOR UPDATE"
    return dict(connection.execute(query, [sorted(keys)]).fetchall())


def _write(connection: psycopg.Connection, counts: dict[str, int], effects: list[tuple[Any, ...]]) -> None:
    connection.execute(
        "INSERT INTO relay.counter SELECT * FROM unnest(%s::text[], %s::int[])"
        " ON CONFLICT (referral_id) DO UPDATE SET count = excluded.count",
        [list(counts), list(counts.values())],
    )
    with connection.cursor() as cursor, cursor.copy("COPY relay.effect FROM STDIN") as copy:
        for effect in effects:
            copy.write_row(effect)


if __name__ == "__main__":
    run_pipeline(Relay, RelaySettings)
