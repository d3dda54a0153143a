"""Checks as data: statements that return the ids of what must not be, and how they are run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import psycopg
from psycopg import sql

from baton.verify.findings import SHOWN, Disagreement, Invariant, Verdict, shown
from schemas.events import (
    IntakeSubmitted,
    PatientCorrected,
    ReferralChanged,
    ReferralCommanded,
    ReferralMatched,
    ReferralReceived,
    ReferralState,
)

#: topics by the names that the statements use
TOPIC_NAMES: Mapping[str, str] = {
    "submitted": IntakeSubmitted.schema_name,
    "received": ReferralReceived.schema_name,
    "corrected": PatientCorrected.schema_name,
    "matched": ReferralMatched.schema_name,
    "commanded": ReferralCommanded.schema_name,
    "changed": ReferralChanged.schema_name,
    "state": ReferralState.schema_name,
}


@dataclass(frozen=True, slots=True)
class Check:
    """One kind of disagreement: the statement returns its ids in a column named id."""

    what: str
    statement: str
    #: identifiers that the statement names in braces
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Count:
    """Something to be told of what was looked at."""

    name: str
    statement: str
    names: Mapping[str, str] = field(default_factory=dict)


def verdict_of(
    connection: psycopg.Connection, invariant: Invariant, checks: Iterable[Check], counts: Iterable[Count]
) -> Verdict:
    """Run the checks of an invariant on the session's tables."""
    found = tuple(d for check in checks if (d := _run(connection, check)) is not None)
    return Verdict(invariant, {count.name: _number(connection, count) for count in counts}, found)


def disagreement(what: str, count: int, ids: Sequence[str | None]) -> Disagreement:
    """Return a disagreement with ids as they may be told."""
    return Disagreement(what, count, tuple(shown(name) for name in ids[:SHOWN]))


def _run(connection: psycopg.Connection, check: Check) -> Disagreement | None:
    query = f"SELECT count(*) OVER (), id FROM ({check.statement}) AS wrong ORDER BY id LIMIT {SHOWN}"
    rows = connection.execute(_composed(query, check.names), TOPIC_NAMES).fetchall()
    return disagreement(check.what, int(rows[0][0]), [row[1] for row in rows]) if rows else None


def _number(connection: psycopg.Connection, count: Count) -> int:
    row = connection.execute(_composed(count.statement, count.names), TOPIC_NAMES).fetchone()
    return int(row[0]) if row else 0


def _composed(text: str, names: Mapping[str, str]) -> sql.Composed:
    return sql.SQL(cast(Any, text)).format(**{name: sql.Identifier(value) for name, value in names.items()})
