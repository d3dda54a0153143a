"""What a service could not do by itself or chose not to do, with correlation ids (R11)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql


@dataclass(frozen=True, kw_only=True, slots=True)
class AutomationEntry:
    """One thing to know about the automation; ids and reasons, never content."""

    at: datetime
    kind: str
    event_id: str
    referral_id: str | None = None
    detail: str | None = None


def append_automation_log(connection: psycopg.Connection, schema: str, entries: Sequence[AutomationEntry]) -> None:
    """Append entries to a service's automation log."""
    if not entries:
        return
    query = sql.SQL("COPY {}.automation_log (at, kind, referral_id, event_id, detail) FROM STDIN")
    with connection.cursor() as cursor, cursor.copy(query.format(sql.Identifier(schema))) as copy:
        for entry in entries:
            copy.write_row((entry.at, entry.kind, entry.referral_id, entry.event_id, entry.detail))
