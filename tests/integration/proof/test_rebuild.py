"""`baton rebuild` makes the same tables from the topics alone, and tells what is not the same."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from typer.testing import CliRunner

from baton.cli import build
from baton.rebuild.comparing import Comparison, compare
from baton.rebuild.run import Rebuild, Rebuilt
from baton.refusal import Refused
from baton.verify.run import verify
from schemas.topics import Service
from tests.support.lived_world import LivedWorld

CLOCKS = "clocks"


@pytest.fixture(scope="module")
def rebuilt(world: LivedWorld) -> Iterator[tuple[str, Rebuilt]]:
    with world.database() as url, pytest.MonkeyPatch.context() as environment:
        environment.setenv("SLA_POLICY", world.sla_policy)
        yield url, Rebuild(world.settings, url).run()


@contextmanager
def told_by_the_command(world: LivedWorld, environment: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("kafka_bootstrap_servers", "schema_registry_url", "database_url", "topic_prefix"):
        environment.setenv(name.upper(), getattr(world.settings, name))
    environment.setenv("SLA_POLICY", world.sla_policy)
    yield


def different(found: list[Comparison]) -> list[str]:
    # whether a clock fired just before or just after its stay ended is told by no topic (docs/decisions/0050)
    return [one.name for one in found if not one.is_same and one.name != CLOCKS]


def test_every_content_is_the_same_by_hash(world: LivedWorld, rebuilt: tuple[str, Rebuilt]) -> None:
    found = compare(world.settings.database_url, rebuilt[0])

    assert different(found) == [], [one.line() for one in found if not one.is_same]
    rows = {one.name: one.rows[0] for one in found}
    assert min(rows[name] for name in ("patients", "referrals", "history", "tasks", "audit", "commands")) > 10


def test_everything_was_decided_as_the_topics_tell(rebuilt: tuple[str, Rebuilt]) -> None:
    _, report = rebuilt

    assert report.is_as_announced, report.lines()
    assert report.services[Service.MATCHER].left_out == []
    assert report.services[Service.SLA].applied > 30


def test_what_waits_in_quarantine_waits_there_again(world: LivedWorld, rebuilt: tuple[str, Rebuilt]) -> None:
    live, again = (_waiting(url) for url in (world.settings.database_url, rebuilt[0]))

    assert again == live
    assert ("referral.commanded.v1", "not_wire_format") in {(topic, reason) for topic, _, _, reason in live}


def _waiting(database_url: str) -> list[tuple[str, int, int, str]]:
    query = """SELECT topic, partition, "offset",
                      replace(replace(reason, 'behind_quarantined_record', 'waits'), 'effect_not_announced', 'waits')
               FROM (SELECT * FROM matcher.quarantine UNION ALL SELECT * FROM stager.quarantine) AS waiting
               WHERE state IN ('quarantined', 'parked') ORDER BY 1, 2, 3"""
    with psycopg.connect(database_url) as connection:
        return connection.execute(query).fetchall()


def test_the_rebuilt_database_is_sound(world: LivedWorld, rebuilt: tuple[str, Rebuilt]) -> None:
    report = verify(world.settings.model_copy(update={"database_url": rebuilt[0]}), within_s=0)

    assert report.is_sound, report.lines()


def test_a_database_that_is_not_empty_is_refused(world: LivedWorld) -> None:
    with world.copy() as settings, pytest.raises(Refused, match="not empty"):
        Rebuild(world.settings, settings.database_url).run()


def test_differences_are_told_by_their_keys(
    world: LivedWorld, rebuilt: tuple[str, Rebuilt], monkeypatch: pytest.MonkeyPatch
) -> None:
    with world.copy() as spoilt:
        with psycopg.connect(spoilt.database_url) as connection:
            row = connection.execute("SELECT min(referral_id) FROM stager.referral").fetchone()
            assert row is not None
            connection.execute("UPDATE stager.referral SET owner_user = 'nobody' WHERE referral_id = %s", [row[0]])
            connection.execute("DELETE FROM stager.task WHERE task_id = (SELECT min(task_id) FROM stager.task)")
        with told_by_the_command(world, monkeypatch):
            monkeypatch.setenv("DATABASE_URL", spoilt.database_url)
            done = CliRunner().invoke(build(), ["rebuild", "--into", rebuilt[0], "--compare", "--json"])

    assert isinstance(done.exception, Refused)
    told = {one["content"]: one for one in json.loads(done.stdout)["compared"]}
    assert [name for name, one in told.items() if not one["is_same"] and name != CLOCKS] == ["referrals", "tasks"]
    assert told["referrals"]["keys"] == [f"riverside/{row[0]}"]


def test_the_command_fills_and_compares(world: LivedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    with world.database() as url, told_by_the_command(world, monkeypatch):
        done = CliRunner().invoke(build(), ["rebuild", "--into", url])

    assert done.exit_code == 0, done.stdout
    assert "DIFFERENT" not in done.stdout
