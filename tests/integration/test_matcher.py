"""The matcher on real tables."""

import json
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import psycopg
import pytest

from baton.migrations import migrate
from runtime.audit import verify_chains
from runtime.delivery import Delivery
from runtime.pipeline import Rejected
from schemas.event import Event
from schemas.events import Document, ReferralMatched
from schemas.vocabulary import CorrectionKind, MatchKind, MatchOutcome, MissingItem, ReviewDecision
from services.matcher.batch import Policy
from services.matcher.pipeline import Matcher
from services.matcher.statements import TRANSMISSIONS
from tests.support.matcher import ANNA, NETWORK, corrected, delivered, patient_of, received

LETTER = Document(
    document_id="letter",
    kind="attachment",
    content_digest="00",
    content_type="text/plain",
    content_size=3,
    readable=True,
)


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    migrate(database_url)
    with psycopg.connect(database_url) as connection:
        connection.execute("SET ROLE baton_matcher")
        yield connection


def hand(connection: psycopg.Connection, *events: Event, batch_size: int = 500) -> list[ReferralMatched]:
    """Apply events as the step would, a transaction for each batch."""
    matcher = Matcher(Policy(), instance="0")
    deliveries = delivered(events)
    announced: list[ReferralMatched] = []
    for first in range(0, len(deliveries), batch_size):
        announced += _apply(connection, matcher, deliveries[first : first + batch_size])
    return announced


def _apply(connection: psycopg.Connection, matcher: Matcher, batch: Sequence[Delivery]) -> list[ReferralMatched]:
    with connection.transaction():
        outputs = matcher.handle(connection, batch)
    return [event for some in outputs.values() for event in some if isinstance(event, ReferralMatched)]


def rows(connection: psycopg.Connection, table: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT * FROM matcher.{table} ORDER BY 1, 2, 3").fetchall()


def story() -> list[Event]:
    """Referrals and corrections that touch every table."""
    sibling = {**ANNA, "given_name": "Ewa"}
    return [
        received("one", content="cardiology", missing_items=("phone", "call_back"), documents=(LETTER,), **ANNA),
        received("two", content="neurology", external_ids=("ssn|219-09-9000",), **{**ANNA, "given_name": "Ann"}),
        received("again", content="cardiology", **ANNA),
        received("twin", sex="female", **sibling),
        received("voicemail"),
        corrected(patient_of("twin"), "fix", phone="+16175550177", mrn="77", expected_version=1),
        corrected(patient_of("twin"), "late", phone="+16175550188", expected_version=1),
        corrected(
            patient_of("voicemail"),
            "name",
            referral_id=received("voicemail").referral_id,
            given_name="Anna",
            last_name="Kowalski",
            birth_date=date(1985, 3, 14),
            reason="palpitations",
        ),
        corrected(
            patient_of("voicemail"),
            "review",
            kind=CorrectionKind.REVIEW,
            other_patient_id=patient_of("one"),
            decision=ReviewDecision.SAME,
        ),
        received("three", content="orthopaedics", order_number="17", **ANNA),
        corrected(patient_of("one"), "merge", kind=CorrectionKind.MERGE, other_patient_id=patient_of("voicemail")),
    ]


def test_story_ends_in_the_right_patients(connection: psycopg.Connection) -> None:
    announced = hand(connection, *story())

    outcomes = [(matched.kind, matched.outcome, matched.patient_id) for matched in announced]
    assert outcomes == [
        (MatchKind.RECEIVED, MatchOutcome.NEW_PATIENT, patient_of("one")),
        (MatchKind.RECEIVED, MatchOutcome.LINKED, patient_of("one")),
        (MatchKind.RECEIVED, MatchOutcome.POSSIBLE_DUPLICATE, patient_of("twin")),
        (MatchKind.RECEIVED, MatchOutcome.UNIDENTIFIED, patient_of("voicemail")),
        (MatchKind.CORRECTED, MatchOutcome.POSSIBLE_DUPLICATE, patient_of("voicemail")),
        (MatchKind.RECEIVED, MatchOutcome.LINKED, patient_of("one")),
    ]
    assert announced[0].documents == (LETTER,)
    kinds = connection.execute("SELECT kind FROM matcher.automation_log ORDER BY entry_id").fetchall()
    assert kinds == [("repeated_transmission",), ("stale_correction",), ("correction_pending",)]
    states = connection.execute("SELECT kind, state FROM matcher.patient_event ORDER BY position").fetchall()
    assert states == [
        ("demographics", "applied"),
        ("demographics", "stale"),
        ("demographics", "applied"),
        ("review", "applied"),
        ("merge", "pending"),
    ]


def test_batches_write_the_same_rows_as_one_by_one(connection: psycopg.Connection) -> None:
    tables = ("patient", "patient_key", "referral", "transmission", "repeat", "possible_duplicate", "review_decision")
    announced = hand(connection, *story(), batch_size=1)
    one_by_one = {table: rows(connection, table) for table in tables}
    with connection.transaction():
        for table in (*tables, "patient_event"):
            connection.execute(f"DELETE FROM matcher.{table}")

    assert hand(connection, *story()) == announced

    assert {table: rows(connection, table) for table in tables} == one_by_one


def test_correction_in_a_later_batch_announces_what_is_left(connection: psycopg.Connection) -> None:
    hand(connection, received("one", missing_items=("phone", "specialty", "call_back"), documents=(LETTER,), **ANNA))
    fix = corrected(patient_of("one"), "fix", referral_id=received("one").referral_id, phone="+16175550177")

    (matched,) = hand(connection, fix)

    assert matched.missing_items == (MissingItem.SPECIALTY, MissingItem.CALL_BACK)
    assert matched.documents == (LETTER,)
    row = connection.execute("SELECT phone, version FROM matcher.patient").fetchone()
    assert row == ("+16175550177", 2)


def test_correction_of_nobody_is_rejected(connection: psycopg.Connection) -> None:
    with pytest.raises(Rejected, match="patient_unknown"):
        hand(connection, corrected("nobody", "fix", phone="+16175550177"))


def test_every_act_is_in_the_audit_chain_without_names(connection: psycopg.Connection) -> None:
    hand(connection, *story())

    connection.execute("RESET ROLE")
    entries = connection.execute("SELECT action, detail FROM audit.entry ORDER BY position").fetchall()
    assert [action for action, _ in entries] == [
        "patient.created",
        "patient.linked",
        "patient.created",
        "patient.created",
        "patient.corrected",
        "patient.corrected",
        "patient.reviewed",
        "patient.linked",
        "patient.merge_asked",
    ]
    assert not any("Kowalski" in detail or "6175550" in detail for _, detail in entries)
    assert [report.broken_at for report in verify_chains(connection)] == [None]


def test_key_rows_hold_no_identifiers(connection: psycopg.Connection) -> None:
    hand(connection, received("one", **ANNA))

    keys = rows(connection, "patient_key")

    assert {(network, patient_id) for network, _, patient_id in keys} == {(NETWORK, patient_of("one"))}
    assert all(isinstance(key, int) for _, key, _ in keys)
    assert len(keys) == 4


def test_a_lookup_of_messages_reads_only_what_it_finds_though_nothing_was_ever_analysed(
    connection: psycopg.Connection,
) -> None:
    """Without statistics the planner takes any index that begins with an equal column for good enough."""
    connection.execute(
        "INSERT INTO matcher.transmission SELECT %s, 's' || n, 'r' || n, 'f' || n, 'c' || n, now(), NULL"
        " FROM generate_series(1, 3000) AS n",
        [NETWORK],
    )
    wanted = [json.dumps([NETWORK] * 20), *(json.dumps([f"{mark}{n}" for n in range(20)]) for mark in "sfc")]

    row = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {TRANSMISSIONS}", wanted).fetchone()

    assert row is not None
    scans = list(_scans(row[0][0]["Plan"]))
    assert len(scans) == 3
    assert [scan.get("Rows Removed by Filter", 0) for scan in scans] == [0, 0, 0]


def _scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if plan.get("Relation Name") == "transmission":
        yield plan
    for part in plan.get("Plans", ()):
        yield from _scans(part)
