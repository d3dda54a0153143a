"""Read the database after a campaign with statements of its own."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from tests.faults.canary import names_a_patient
from tests.faults.evidence import (
    AuditRow,
    ClockRow,
    HistoryRow,
    MatchedRow,
    NoticeRow,
    QuarantineRow,
    Record,
    ReferralRow,
    Tables,
)

WITH_QUARANTINE = ("intake", "matcher", "stager", "sla", "courier")
REFERRALS = """
    SELECT referral_id, clinic_id, stage, stage_entry, clock, due_at, remind_at, owner_queue, reason_code, breached,
           sequence FROM stager.referral
"""
HISTORY = """
    SELECT referral_id, sequence, kind, from_stage, to_stage, stage_entry, cause_id FROM stager.stage_history
"""
REPEATS = "SELECT submission_id, referral_id FROM matcher.transmission WHERE repeat_of IS NOT NULL"
AUDIT = """
    SELECT chain_id, position, at, actor, actor_role, action, network_id, clinic_id, referral_id, patient_id, cause_id,
           detail, previous_hash, hash FROM audit.entry
"""
#: longer than the longest clock of the campaign's policy
SOON = "SELECT count(*) FROM sla.clock WHERE state = 'armed' AND fires_at < now() + interval '1 minute'"
#: columns that must never name a patient, by table
PLAIN_COLUMNS = {
    "audit.entry": "actor, action, cause_id, detail",
    "stager.command": "refusal, detail",
    "courier.notice": "recipient_queue, kind, notice_id",
}


def read_tables(database_url: str, records: Sequence[Record]) -> Tables:
    """Return the tables; what intake applied shows on its topic, as it keeps no inbox."""
    with psycopg.connect(database_url) as connection:
        rows = _Rows(connection)
        return Tables(
            referrals=tuple(ReferralRow(*row) for row in rows(REFERRALS)),
            history=tuple(HistoryRow(*row) for row in rows(HISTORY)),
            open_tasks=dict(
                rows("SELECT referral_id, count(*) FROM stager.task WHERE status = 'open' GROUP BY referral_id")
            ),
            matched=tuple(
                MatchedRow(*row)
                for row in rows(
                    "SELECT referral_id, submission_id, patient_id, clinic_id, content_digest FROM matcher.referral"
                )
            ),
            repeats=dict(rows(REPEATS)),
            patients=frozenset(row[0] for row in rows("SELECT patient_id FROM matcher.patient")),
            commands=dict(rows("SELECT command_id, outcome FROM stager.command")),
            inbox=_inboxes(rows, records),
            quarantine=_quarantine(rows),
            clocks=tuple(
                ClockRow(*row) for row in rows("SELECT referral_id, stage_entry, kind, fires_at, state FROM sla.clock")
            ),
            notices=tuple(
                NoticeRow(row[0], row[1], tuple(row[2]))
                for row in rows("SELECT notice_id, kind, signal_ids FROM courier.notice")
            ),
            audit=tuple(AuditRow(*row) for row in rows(AUDIT)),
            chain_ends={row[0]: (row[1], row[2]) for row in rows("SELECT chain_id, length, hash FROM audit.chain")},
        )


def told_signals(database_url: str) -> frozenset[tuple[str, str]]:
    """Return the signals that notices tell, each with the kind of the notice: a storm does not tell its breaches."""
    with psycopg.connect(database_url) as connection:
        rows = _Rows(connection)("SELECT kind, unnest(signal_ids) FROM courier.notice")
        return frozenset((row[0], row[1]) for row in rows)


def count_armed_clocks(database_url: str) -> int:
    """Return how many clocks can still fire soon; that of an appointment fires days later."""
    with psycopg.connect(database_url) as connection:
        return sum(row[0] for row in _Rows(connection)(SOON))


def places_with_names(database_url: str) -> list[str]:
    """Return the plain columns and quarantine summaries in which the canary is."""
    found = []
    with psycopg.connect(database_url) as connection:
        rows = _Rows(connection)
        for schema in WITH_QUARANTINE:
            for table, columns in ((f"{schema}.quarantine", "reason, error_at, event_id"),):
                found += _named(rows, table, columns)
            found += _named(rows, f"{schema}.automation_log", "kind, detail")
        for table, columns in PLAIN_COLUMNS.items():
            found += _named(rows, table, columns)
    return found


class _Rows:
    """Runs a statement and returns its rows; a table that does not exist yet has none."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def __call__(self, statement: str | sql.Composed) -> list[Any]:
        query = sql.SQL(statement) if isinstance(statement, str) else statement
        try:
            with self._connection.transaction():
                return self._connection.execute(query).fetchall()
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            return []


def _inboxes(rows: _Rows, records: Sequence[Record]) -> dict[str, frozenset[str]]:
    inboxes: defaultdict[str, set[str]] = defaultdict(set)
    for schema in ("matcher", "stager", "sla", "courier"):
        query = sql.SQL("SELECT event_id FROM {}.inbox").format(sql.Identifier(schema))
        inboxes[schema].update(row[0] for row in rows(query))
    received = (r for r in records if r.topic == "referral.received.v1" and r.event_id is not None)
    inboxes["intake"].update(str(record.values["submission_id"]) for record in received)
    return {service: frozenset(ids) for service, ids in inboxes.items()}


def _quarantine(rows: _Rows) -> tuple[QuarantineRow, ...]:
    query = sql.SQL('SELECT {}, topic, partition, "offset", state, reason, event_id FROM {}.quarantine')
    found: list[QuarantineRow] = []
    for schema in WITH_QUARANTINE:
        found += [QuarantineRow(*row) for row in rows(query.format(sql.Literal(schema), sql.Identifier(schema)))]
    return tuple(found)


def _named(rows: _Rows, table: str, columns: str) -> list[str]:
    query = sql.SQL("SELECT {} FROM {}").format(
        sql.SQL(", ").join(sql.Identifier(column) for column in columns.split(", ")),
        sql.Identifier(*table.split(".")),
    )
    return [table] if any(names_a_patient(row) for row in rows(query)) else []
