"""An audit entry's hash covers its place, its predecessor and every column."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from runtime.audit import FIRST_HASH, AuditEntry, detail_of, entry_hash

ENTRY = AuditEntry(
    at=datetime(2026, 11, 20, 20, 40, tzinfo=UTC),
    actor="ivy",
    actor_role="intake",
    action="stage_changed",
    network_id="riverside",
    cause_id="c-1",
    clinic_id="harbor",
    referral_id="r-1",
    patient_id="p-1",
    detail=detail_of({"to": "eligibility"}),
)
HASH = entry_hash(FIRST_HASH, 1, ENTRY)


@pytest.mark.parametrize("column", [f.name for f in fields(AuditEntry)])
def test_each_column_counts(column: str) -> None:
    value = getattr(ENTRY, column)
    changed: Any = value + timedelta(microseconds=1) if isinstance(value, datetime) else value + "x"

    assert entry_hash(FIRST_HASH, 1, replace(ENTRY, **{column: changed})) != HASH


@pytest.mark.parametrize("column", ["clinic_id", "referral_id", "patient_id"])
def test_nothing_is_not_an_empty_text(column: str) -> None:
    values: tuple[Any, ...] = (None, "")
    nothing, empty = (entry_hash(FIRST_HASH, 1, replace(ENTRY, **{column: value})) for value in values)

    assert len({nothing, empty, HASH}) == 3


def test_place_and_predecessor_count() -> None:
    assert entry_hash(FIRST_HASH, 2, ENTRY) != HASH
    assert entry_hash(HASH, 1, ENTRY) != HASH


def test_values_can_not_move_between_columns() -> None:
    one = replace(ENTRY, actor="a", actor_role='b","c')
    other = replace(ENTRY, actor='a","b', actor_role="c")

    assert entry_hash(FIRST_HASH, 1, one) != entry_hash(FIRST_HASH, 1, other)


def test_the_instant_counts_and_not_its_zone() -> None:
    elsewhere = replace(ENTRY, at=ENTRY.at.astimezone(timezone(timedelta(hours=-5))))

    assert entry_hash(FIRST_HASH, 1, elsewhere) == HASH


def test_detail_is_canonical() -> None:
    assert detail_of({"b": 1, "a": [True, None]}) == '{"a":[true,null],"b":1}'
