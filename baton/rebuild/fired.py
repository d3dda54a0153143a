"""Note on rebuilt clocks which of their signals were sent, so that they are not sent again."""

from collections.abc import Iterable
from datetime import datetime
from itertools import islice

import psycopg

from runtime.delivery import RawRecord
from schemas.codec import Codec, Undecodable
from schemas.events import SlaSignalled

STEP = 500
_FIRE = """
    UPDATE sla.clock SET state = 'fired', fired_at = sent.fired_at
    FROM unnest(%s::text[], %s::text[], %s::integer[], %s::text[], %s::text[], %s::timestamptz[])
        AS sent (network_id, referral_id, stage_entry, kind, signal_id, fired_at)
    WHERE (clock.network_id, clock.referral_id, clock.stage_entry, clock.kind, clock.signal_id)
        = (sent.network_id, sent.referral_id, sent.stage_entry, sent.kind, sent.signal_id)
      AND clock.state IN ('armed', 'fired')
"""
Row = tuple[str, str, int, str, str, datetime]


def mark_fired(connection: psycopg.Connection, codec: Codec, records: Iterable[RawRecord]) -> None:
    """Mark the clocks whose present signals are on their topic."""
    rows = (row for raw in records if (row := _row(codec, raw)) is not None)
    while chunk := list(islice(rows, STEP)):
        with connection.transaction():
            connection.execute(_FIRE, [list(column) for column in zip(*chunk, strict=True)])


def _row(codec: Codec, raw: RawRecord) -> Row | None:
    try:
        signal = codec.decode(SlaSignalled, raw.value)
    except Undecodable:
        return None
    return (
        signal.network_id, signal.referral_id, signal.stage_entry, signal.kind, signal.event_id, signal.fired_at,
    )  # fmt: skip
