"""The only SQL of the courier: one statement per table and batch."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files

import orjson
import psycopg

from services.courier.rules.effects import NewEffect, Next, Outcome, Transport
from services.courier.rules.telling import Notice
from services.courier.rules.wording import Effect

#: signal, kind of notice, notice
Telling = tuple[str, str, str]


@cache
def statement(name: str) -> bytes:
    """Return a statement of this service by its file name."""
    return files("services.courier").joinpath("sql", f"{name}.sql").read_bytes()


def claim_signals(connection: psycopg.Connection, tellings: Iterable[Telling]) -> dict[str, set[str]]:
    """Enter signals as told and return, by notice, those that nobody told before; the first of a batch wins."""
    first: dict[tuple[str, str], str] = {}
    for signal_id, kind, notice_id in tellings:
        first.setdefault((signal_id, kind), notice_id)
    columns = [[key[0] for key in first], [key[1] for key in first], list(first.values())]
    fresh: dict[str, set[str]] = {}
    for notice_id, signal_id in connection.execute(statement("claim_signals"), columns):
        fresh.setdefault(notice_id, set()).add(signal_id)
    return fresh


def save(connection: psycopg.Connection, notices: Sequence[Notice], effects: Sequence[NewEffect]) -> None:
    """Write notices and what has to leave Baton for them."""
    if notices:
        connection.execute(statement("write_notices"), [orjson.dumps(notices).decode()])
    if effects:
        connection.execute(statement("write_effects"), [orjson.dumps(effects).decode()])


def begin_attempt(
    connection: psycopg.Connection, transports: Iterable[Transport], *, now: datetime, lease: timedelta
) -> Effect | None:
    """Take the effect that has waited longest, or None when none is to be sent."""
    arguments = {"now": now, "transports": list(transports), "lease_ends_at": now + lease}
    row = connection.execute(statement("begin_attempt"), arguments).fetchone()
    if row is None:
        return None
    return Effect(
        effect_id=row[0],
        transport=Transport(row[1]),
        address=row[2],
        attempts=row[3],
        network_id=row[4],
        notice_id=row[5],
        kind=row[6],
        recipient_queue=row[7],
        window_start=row[8],
        window_end=row[9],
        referral_ids=tuple(row[10]),
    )


def end_attempt(connection: psycopg.Connection, effect: Effect, outcome: Outcome, then: Next, *, now: datetime) -> None:
    """Record how an attempt ended."""
    arguments = {
        "effect_id": effect.effect_id,
        "attempts": effect.attempts,
        "state": then.state,
        "next_attempt_at": then.at,
        "error": outcome.code,
        "now": now,
    }
    connection.execute(statement("end_attempt"), arguments)


def count_pending(connection: psycopg.Connection) -> int:
    """Return how many effects wait to be sent."""
    row = connection.execute(statement("count_pending")).fetchone()
    return 0 if row is None else int(row[0])
