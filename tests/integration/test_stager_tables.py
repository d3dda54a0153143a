"""What the stager's tables promise as a whole: batches, the audit, the invariant, the views."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from prometheus_client import REGISTRY

from baton.migrations import migrate
from runtime import metrics
from runtime.application import Application
from runtime.audit import verify_chains
from runtime.postgres import connect
from schemas.codec import Codec
from schemas.vocabulary import (
    AttemptOutcome,
    CommandAction,
    Stage,
)
from services.stager import store
from services.stager.data_files import written_stage_table
from services.stager.invariant_watch import start_invariant_watch
from services.stager.settings import StagerSettings
from tests.support.real_stager import TABLES, OneSchemaEach, RealStager, contents, empty, play, raw, settings_of
from tests.support.stager import FRIDAY, command, match, rulebook
from tests.support.stager_inputs import Step, steps
from tests.support.waiting import eventually

CHAIN = "stager-test"


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    migrate(database_url)
    with connect(settings_of(database_url), role="stager") as opened:
        yield opened


@pytest.fixture
def stager(connection: psycopg.Connection) -> RealStager:
    return RealStager(connection)


def open_referral(stager: RealStager, number: int = 1, **fields: Any) -> str:
    event = match(number, **fields)
    stager.handle(event)
    return event.referral_id


def test_every_change_is_audited_in_an_unbroken_chain(stager: RealStager) -> None:
    referral_id = open_referral(stager)
    stager.move(referral_id, "sue", Stage.ELIGIBILITY, Stage.DOCUMENTATION)
    stager.ask(referral_id, "audrey", CommandAction.CLAIM)

    entries = stager.rows("SELECT * FROM audit.entry WHERE chain_id = %s ORDER BY position", CHAIN)

    assert [(one["actor"], one["action"]) for one in entries] == [
        ("matcher", "opened"),
        ("sue", "stage_changed"),
        ("sue", "stage_changed"),
    ]
    assert {one["patient_id"] for one in entries} == {match().patient_id}
    with stager.connection.transaction():
        assert [report.broken_at for report in verify_chains(stager.connection)] == [None]


def test_failure_in_the_middle_of_a_batch_leaves_nothing(stager: RealStager) -> None:
    referral_id = open_referral(stager)
    before = contents(stager, *TABLES)
    good = command(referral_id, "ivy", CommandAction.CLAIM, command_id="good")
    unwritable = command(referral_id, "ivy", CommandAction.ADD_NOTE, command_id="bad", comment="a\x00b")

    with pytest.raises(psycopg.errors.UntranslatableCharacter):
        stager.handle(good, unwritable)

    assert contents(stager, *TABLES) == before


def test_the_step_quarantines_the_one_and_applies_the_others(stager: RealStager) -> None:
    """Through the runtime's step, encoded as on the topic: the other referral's command must not suffer."""
    codec = Codec(OneSchemaEach())
    first, second = open_referral(stager, 1), open_referral(stager, 2)
    bad = command(first, "ivy", CommandAction.ADD_NOTE, command_id="bad", comment="a\x00b")
    behind = command(first, "ivy", CommandAction.CLAIM, command_id="behind")
    good = command(second, "ivy", CommandAction.CLAIM, command_id="good")
    raws = [raw(codec, event, offset) for offset, event in enumerate((bad, behind, good))]

    with stager.connection.transaction():
        batch = Application(stager.pipeline, codec, "test").apply(
            stager.connection, raws, positions={}, published=(), at=FRIDAY
        )

    assert [setback.state for setback in batch.setbacks] == ["quarantined", "parked"]
    assert (stager.referral(first).owner_user, stager.referral(second).owner_user) == (None, "ivy")


def test_two_stagers_take_turns_on_the_same_referrals(stager: RealStager, database_url: str) -> None:
    """Partitions of the three topics need not go to the same instance, so both may touch one referral."""
    referrals = [open_referral(stager, number) for number in range(1, 9)]
    rounds = 10

    def work(name: str, in_order: list[str]) -> None:
        with connect(settings_of(database_url), role="stager") as connection:
            own = RealStager(connection, instance=name)
            for number in range(rounds):
                attempt = CommandAction.RECORD_ATTEMPT
                own.handle(*(command(r, "ivy", attempt, command_id=f"{name}-{number}") for r in in_order))

    with ThreadPoolExecutor() as pool:
        list(pool.map(work, ("one", "two"), (referrals, referrals[::-1])))

    for referral_id in referrals:
        rows = stager.rows("SELECT sequence FROM stager.stage_history WHERE referral_id = %s ORDER BY 1", referral_id)
        assert [row["sequence"] for row in rows] == list(range(1, 2 * rounds + 2))
        assert stager.referral(referral_id).sequence == 2 * rounds + 1


def test_waits_tell_on_whom_and_how_long(stager: RealStager) -> None:
    """R3: fax on Friday, seen Monday, eligibility Tuesday, documents missing Thursday, no answer on Friday."""
    referral_id = open_referral(stager)
    monday, tuesday = FRIDAY + timedelta(days=3), FRIDAY + timedelta(days=4)
    thursday, friday = FRIDAY + timedelta(days=6), FRIDAY + timedelta(days=7)
    stager.ask(referral_id, "ivy", CommandAction.CLAIM, at=monday)
    stager.move(referral_id, "ivy", Stage.ELIGIBILITY, at=tuesday)
    stager.move(referral_id, "eli", Stage.DOCUMENTATION, at=tuesday + timedelta(hours=2))
    wait = {"reason_code": "documents_missing", "at": thursday}
    stager.move(referral_id, "dora", Stage.WAITING_ON_REFERRING_OFFICE, **wait)
    stager.ask(referral_id, "ivy", CommandAction.RECORD_ATTEMPT, outcome=AttemptOutcome.NO_ANSWER, at=friday)
    stager.move(referral_id, "ivy", Stage.PATIENT_UNREACHABLE, reason_code="no_answer", at=friday)

    waits = stager.rows("SELECT stage, waiting_on, waited, left_at FROM stager.waits ORDER BY stage_entry")

    assert [(row["stage"], row["waiting_on"]) for row in waits] == [
        ("intake_received", "clinic"),
        ("eligibility", "clinic"),
        ("documentation", "clinic"),
        ("waiting_on_referring_office", "referring_office"),
        ("patient_unreachable", "patient"),
    ]
    assert [row["waited"] for row in waits[:4]] == [
        timedelta(days=4),
        timedelta(hours=2),
        timedelta(days=1, hours=22),
        timedelta(days=1),
    ]
    assert waits[4]["left_at"] is None


def test_view_of_violations_is_empty_and_sees_what_it_is_for(stager: RealStager) -> None:
    referral_id = open_referral(stager)
    open_referral(stager, 2)
    stager.ask(referral_id, "ivy", CommandAction.CLOSE, reason_code="patient_declined")
    with stager.connection.transaction():
        assert store.count_violations(stager.connection) == 0

    broken = match(2).referral_id
    with stager.connection.transaction():
        for statement in (
            "UPDATE stager.task SET status = 'done' WHERE referral_id = %s",
            "UPDATE stager.referral SET due_at = NULL, owner_queue = '' WHERE referral_id = %s",
        ):
            stager.connection.execute(statement.encode(), [broken])

    lacking = stager.rows("SELECT lacks FROM stager.invariant_violations WHERE referral_id = %s", broken)
    assert sorted(row["lacks"] for row in lacking) == ["due_at", "open_task", "owner_queue"]


def test_gauge_of_the_invariant_follows_the_database(stager: RealStager, database_url: str) -> None:
    open_referral(stager)
    settings = StagerSettings(
        kafka_bootstrap_servers="", schema_registry_url="", database_url=database_url, invariant_every_s=0.05
    )
    metrics.INVARIANT_VIOLATIONS.set(-1)
    stop = threading.Event()
    watch = start_invariant_watch(settings, stop=stop)
    try:
        eventually(lambda: gauge() == 0, what="the gauge")
        with stager.connection.transaction():
            stager.connection.execute("UPDATE stager.task SET status = 'done'")

        eventually(lambda: gauge() == 1, what="the gauge")
    finally:
        stop.set()
        watch.join(120)


def gauge() -> float | None:
    return REGISTRY.get_sample_value("baton_invariant_violations")


def test_database_holds_the_stage_table_of_the_code(stager: RealStager) -> None:
    table = rulebook().table

    stages = stager.rows("SELECT * FROM stager.stage WHERE version = %s", table.version)
    moves = stager.rows("SELECT from_stage, to_stage FROM stager.stage_transition")
    reasons = stager.rows("SELECT code, reason_group, needs_comment FROM stager.reason_code")

    assert stager.row("SELECT content FROM stager.stage_table")["content"] == written_stage_table()
    assert {(row["stage"], row["is_open"]) for row in stages} == {(s, r.is_open) for s, r in table.stages.items()}
    assert {(row["from_stage"], row["to_stage"]) for row in moves} == set(table.transitions)
    assert {(row["code"], row["reason_group"], row["needs_comment"]) for row in reasons} == {
        (reason.code, reason.group, reason.needs_comment) for reason in table.reasons.values()
    }


@pytest.mark.slow
def test_a_batch_leaves_the_same_rows_and_events_as_one_by_one(connection: psycopg.Connection) -> None:
    """Whatever the lives of three referrals and however they are cut into batches."""

    @given(steps(referrals=3, min_size=20, max_size=60))
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    def check(life: list[Step]) -> None:
        single = RealStager(connection)
        inputs = play(single, life)
        expected = (contents(single, *TABLES), single.events)
        empty(connection)

        batched = RealStager(connection)
        for start in range(0, len(inputs), 7):
            batched.handle(*inputs[start : start + 7])

        assert (contents(batched, *TABLES), batched.events) == expected
        with connection.transaction():
            assert store.count_violations(connection) == 0
        empty(connection)

    check()
