"""`baton verify` finds nothing wrong with a deployment that has lived, and each way to spoil it by its letter."""

import json
import uuid
from dataclasses import dataclass

import psycopg
import pytest
from typer.testing import CliRunner

from baton.cli import build
from baton.refusal import Refused
from baton.topic_reader import TopicReader
from baton.verify.findings import Report
from baton.verify.run import verify
from runtime.delivery import RawRecord
from runtime.registry import RegistrySchemaIds, make_registry_client
from schemas.codec import Codec
from schemas.events import IntakeSubmitted, ReferralChanged
from tests.support.lived_world import LivedWorld


@dataclass(frozen=True)
class Spoil:
    """One way to spoil the tables, and the letters that must tell."""

    name: str
    letters: str
    statement: str


#: a referral with some history, and the first of all
BUSY = "(SELECT referral_id FROM stager.referral WHERE sequence > 2 ORDER BY referral_id LIMIT 1)"
FIRST = "(SELECT referral_id FROM stager.referral ORDER BY referral_id LIMIT 1)"
GHOST = "('riverside', 'ghost', 'key', now(), now())"
SPOILS = (
    Spoil("history_row_lost", "CDG", f"DELETE FROM stager.stage_history WHERE sequence = 2 AND referral_id = {BUSY}"),
    Spoil(
        "illegal_move",
        "CD",
        f"UPDATE stager.stage_history SET to_stage = 'cancelled' WHERE sequence = 2 AND referral_id = {BUSY}",
    ),
    Spoil("stage_changed", "CD", f"UPDATE stager.referral SET stage = 'completed' WHERE referral_id = {BUSY}"),
    Spoil("audit_row_altered", "G", "UPDATE audit.entry SET actor_role = 'supervisor' WHERE position = 3"),
    Spoil("audit_row_lost", "G", "DELETE FROM audit.entry WHERE chain_id = 'stager-0' AND position = 4"),
    Spoil(
        "referral_lost",
        "ABCDG",
        f"""DELETE FROM matcher.referral WHERE referral_id = {FIRST};
            DELETE FROM stager.referral WHERE referral_id = {FIRST}""",
    ),
    Spoil("stage_lost", "ACD", f"DELETE FROM stager.referral WHERE referral_id = {FIRST}"),
    Spoil(
        "inbox_row_lost", "E", "DELETE FROM matcher.inbox WHERE event_id = (SELECT min(event_id) FROM matcher.inbox)"
    ),
    Spoil("inbox_row_of_nothing", "E", "INSERT INTO stager.inbox VALUES ('nobody-sent-this', 1)"),
    Spoil("quarantine_row_lost", "E", "DELETE FROM stager.quarantine WHERE reason = 'not_wire_format'"),
    Spoil("answer_lost", "E", "DELETE FROM stager.command WHERE outcome = 'applied'"),
    Spoil("open_tasks_lost", "C", "DELETE FROM stager.task WHERE status = 'open'"),
    Spoil("repeat_forgotten", "A", "DELETE FROM matcher.transmission WHERE repeat_of IS NOT NULL"),
    Spoil(
        "patient_of_nobody",
        "B",
        f"INSERT INTO matcher.patient (network_id, patient_id, matching_key, created_at, updated_at) VALUES {GHOST}",
    ),
)


@pytest.fixture
def first_change(world: LivedWorld) -> RawRecord:
    """The first record of the public topic of changes."""
    with TopicReader(world.settings) as reader:
        return next(reader.read(reader.spans([ReferralChanged.schema_name]), first_only=True))


def letters(report: Report) -> str:
    return "".join(verdict.invariant.value for verdict in report.verdicts if verdict.disagreements)


def test_a_deployment_that_has_lived_is_sound(world: LivedWorld) -> None:
    report = verify(world.settings, within_s=20)

    assert letters(report) == "", report.lines()
    assert report.unsettled == ()
    counts = {verdict.invariant.value: verdict.counts for verdict in report.verdicts}
    assert counts["A"]["submissions"] >= 30
    assert counts["A"]["repeats"] + counts["E"]["set back"] >= 1
    assert counts["C"]["changes"] > counts["C"]["referrals"] > 20
    assert counts["D"]["changes"] == counts["C"]["changes"]


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.name)
def test_a_spoilt_table_is_told_by_its_letters(world: LivedWorld, spoil: Spoil) -> None:
    with world.copy() as settings:
        with psycopg.connect(settings.database_url) as connection:
            # past the triggers that forbid it, as an administrator could
            connection.execute("SET session_replication_role = replica")
            assert connection.execute(spoil.statement).rowcount > 0

        report = verify(settings, within_s=0)

    assert letters(report) == spoil.letters, report.lines()


def test_many_disagreements_are_counted_and_the_first_are_named(world: LivedWorld) -> None:
    with world.copy() as settings:
        with psycopg.connect(settings.database_url) as connection:
            connection.execute("DELETE FROM stager.inbox")

        report = verify(settings, within_s=0)

    (told,) = (verdict for verdict in report.verdicts if verdict.disagreements)
    assert told.invariant.value == "E"
    assert told.disagreements[0].count > len(told.disagreements[0].ids) == 20


def test_the_command_prints_what_disagrees_and_fails(world: LivedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    with world.copy() as settings:
        with psycopg.connect(settings.database_url) as connection:
            connection.execute("DELETE FROM stager.task WHERE status = 'open'")
        for name in ("kafka_bootstrap_servers", "schema_registry_url", "database_url", "topic_prefix"):
            monkeypatch.setenv(name.upper(), getattr(settings, name))

        done = CliRunner().invoke(build(), ["verify", "--within", "0", "--json"])

    assert isinstance(done.exception, Refused)
    told = {row["invariant"]: row["disagreements"] for row in json.loads(done.stdout)["invariants"]}
    assert [letter for letter, found in told.items() if found] == ["C"]
    assert told["C"][0]["ids"][0].endswith("open_task")


# the next ones change the topics themselves, so they come last


def test_a_repeated_record_on_a_public_topic_is_told(world: LivedWorld, first_change: RawRecord) -> None:
    assert first_change.value is not None
    world.produce(first_change.topic, first_change.key, first_change.value, partition=first_change.partition)

    report = verify(world.settings, within_s=0)

    (told,) = (verdict for verdict in report.verdicts if verdict.disagreements)
    assert told.invariant.value == "D"
    assert told.disagreements[0].what == "event that is on its topic more than once"


def test_a_change_under_a_foreign_key_is_told(world: LivedWorld, first_change: RawRecord) -> None:
    assert first_change.value is not None
    world.produce(first_change.topic, b"somebody", first_change.value)

    report = verify(world.settings, within_s=0)

    whats = {found.what for verdict in report.verdicts for found in verdict.disagreements}
    assert "record under a foreign key" in whats


def test_a_submission_that_nobody_reads_is_lost_after_the_time_is_up(world: LivedWorld) -> None:
    with TopicReader(world.settings) as reader:
        submission = next(reader.read(reader.spans([IntakeSubmitted.schema_name]), first_only=True))
    assert submission.value is not None
    with make_registry_client(world.settings) as registry:
        codec = Codec(RegistrySchemaIds(registry), topic_prefix=world.settings.topic_prefix)
        sent = codec.decode(IntakeSubmitted, submission.value)
        another = sent.model_copy(update={"event_id": str(uuid.uuid4()), "submission_id": str(uuid.uuid4())})
        world.produce(submission.topic, another.submission_id.encode(), codec.encode(another))

    report = verify(world.settings, within_s=0.5)

    assert report.unsettled == ("intake",)
    lost = {verdict.invariant.value: verdict.disagreements for verdict in report.verdicts}["A"]
    assert [found.ids for found in lost] == [(another.submission_id,)]
