"""The only SQL of the SLA service: one statement per table and batch."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import orjson
import psycopg

from schemas.vocabulary import SignalKind, Stage
from services.sla.rules.clocks import ArmState, SlaClock, Stay

#: network and referral: ids are only unique within their network
ReferralKey = tuple[str, str]


@cache
def statement(name: str) -> bytes:
    """Return a statement of this service by its file name."""
    return files("services.sla").joinpath("sql", f"{name}.sql").read_bytes()


def load_stays(connection: psycopg.Connection, keys: Iterable[ReferralKey]) -> dict[ReferralKey, Stay]:
    """Lock the stays of referrals with the clocks of each and return those that are known."""
    rows = connection.execute(statement("lock_stays"), _columns(sorted(set(keys)), 2)).fetchall()
    if not rows:
        return {}
    entries = [(network_id, referral_id, stage_entry) for network_id, referral_id, _, stage_entry in rows]
    clocks: dict[ReferralKey, dict[SignalKind, SlaClock]] = {}
    for row in connection.execute(statement("lock_clocks"), _columns(entries, 3)):
        clock = _clock(row)
        clocks.setdefault((clock.network_id, clock.referral_id), {})[clock.kind] = clock
    return {
        (network_id, referral_id): Stay(
            sequence=sequence, stage_entry=stage_entry, clocks=clocks.get((network_id, referral_id), {})
        )
        for network_id, referral_id, sequence, stage_entry in rows
    }


def save_stays(connection: psycopg.Connection, stays: Mapping[ReferralKey, Stay], clocks: Sequence[SlaClock]) -> None:
    """Write how far referrals were followed and the clocks that changed."""
    rows = [(*key, stay.stage_entry, stay.sequence) for key, stay in sorted(stays.items())]
    connection.execute(statement("write_stays"), _columns(rows, 4))
    if clocks:
        connection.execute(statement("write_clocks"), [orjson.dumps(clocks).decode()])


def lock_due(connection: psycopg.Connection, *, now: datetime, limit: int) -> list[SlaClock]:
    """Lock and return clocks that are due and in nobody's hand, the oldest first."""
    return [_clock(row) for row in connection.execute(statement("lock_due"), [now, limit])]


def mark_fired(connection: psycopg.Connection, clocks: Sequence[SlaClock], *, at: datetime) -> None:
    """Note that the signals of locked clocks are with the broker."""
    keys = ((c.network_id, c.referral_id, c.stage_entry, c.kind) for c in clocks)
    connection.execute(statement("mark_fired"), [at, *_columns(keys, 4)])


def count_armed(connection: psycopg.Connection) -> int:
    """Return how many clocks can still fire."""
    row = connection.execute(statement("count_armed")).fetchone()
    return 0 if row is None else int(row[0])


def _clock(row: Sequence[Any]) -> SlaClock:
    return SlaClock(
        network_id=row[0],
        referral_id=row[1],
        stage_entry=row[2],
        kind=SignalKind(row[3]),
        clinic_id=row[4],
        stage=Stage(row[5]),
        owner_queue=row[6],
        fires_at=row[7],
        due_at=row[8],
        state=ArmState(row[9]),
        round=row[10],
        is_heard=row[11],
        signal_id=row[12],
        sequence=row[13],
    )


def _columns(rows: Iterable[Sequence[object]], width: int) -> list[list[object]]:
    columns: list[list[object]] = [[] for _ in range(width)]
    for row in rows:
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    return columns
