"""`baton quarantine` at the terminal: what it tells, what it never tells, and how it says no."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from baton.cli import build
from baton.refusal import Refused
from baton.stack.addresses import Addresses
from tests.support.relay_world import RelayWorld, command, relay_world

CANARY = "Zyxwv Canary 1957-03-14"
HOSTILE_KEY = b"Canary, Zyxwv"


@pytest.fixture
def world(stack: Addresses, topic_prefix: str, database_url: str, tmp_path: Path) -> Iterator[RelayWorld]:
    with relay_world(
        stack.model_dump(), topic_prefix=topic_prefix, database_url=database_url, folder=tmp_path
    ) as prepared:
        yield prepared


@pytest.fixture
def poisoned(world: RelayWorld, monkeypatch: pytest.MonkeyPatch) -> RelayWorld:
    """A world with one failed, one parked and one unreadable record."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", world.settings.kafka_bootstrap_servers)
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", world.settings.schema_registry_url)
    monkeypatch.setenv("DATABASE_URL", world.settings.database_url)
    monkeypatch.setenv("TOPIC_PREFIX", world.settings.topic_prefix)
    with world.running():
        world.send(command("bad", 1, comment="fail"), command("bad", 2, comment=CANARY))
        world.send_raw(HOSTILE_KEY, CANARY.encode(), headers=[("x-sender", CANARY.encode())])
        world.await_all()
    return world


def baton(*words: str) -> Result:
    return CliRunner().invoke(build(), ["quarantine", *words])


def listed(*words: str) -> list[dict[str, Any]]:
    found = baton("list", "--json", *words)
    assert found.exit_code == 0
    return list(json.loads(found.stdout))


def test_records_are_listed_and_shown_without_what_they_hold(poisoned: RelayWorld) -> None:
    rows = {row["reason"]: row for row in listed()}
    unreadable = rows["not_wire_format"]
    told = [baton("list"), baton("list", "--json"), *(baton("show", row["id"]) for row in rows.values())]
    raw = baton("show", unreadable["id"], "--raw")

    assert {r["state"] for r in rows.values()} == {"quarantined", "parked"}
    assert (unreadable["key"], unreadable["headers"]) == ("(not shown)", ["x-sender"])
    assert rows["failed_in_service"]["key"] == "bad"
    assert [one.exit_code for one in told] == [0] * 5
    assert not any("Zyxwv" in one.output for one in told)
    assert raw.stdout_bytes == CANARY.encode()
    assert [row["state"] for row in listed("--state", "parked")] == ["parked"]
    assert listed("--service", "stager") == []


def test_records_are_driven_again_from_the_terminal(poisoned: RelayWorld) -> None:
    poisoned.heal()

    with poisoned.running():
        one_key = baton("retry", "--key", "bad", "--json")
        everything = baton("retry", "--all", "--json", "--wait", "20")

    assert (one_key.exit_code, json.loads(one_key.stdout)) == (0, {"driven": 2, "failed": [], "waiting": []})
    assert isinstance(everything.exception, Refused)
    assert [row["reason"] for row in json.loads(everything.stdout)["failed"]] == ["not_wire_format"]
    assert poisoned.counts() == {"bad": 2}
    assert [row["attempts"] for row in listed()] == [2]


def test_without_an_answer_it_says_so_and_without_waiting_it_does_not(poisoned: RelayWorld) -> None:
    (first, *_) = listed()

    waited = baton("retry", first["id"], "--wait", "0.2")
    not_waited = baton("retry", first["id"], "--wait", "0")

    assert isinstance(waited.exception, Refused)
    assert not_waited.exit_code == 0


def test_what_is_not_there_is_refused(poisoned: RelayWorld) -> None:
    for words in (
        ("show", "no-such-id"),
        ("retry", "no-such-id"),
        ("list", "--service", "nobody"),
        ("discard", "no-such-id", "--as", "sue"),
        ("discard", listed()[0]["id"], "--as", "nobody"),
    ):
        assert isinstance(baton(*words).exception, Refused), words


@pytest.mark.parametrize("words", [("retry",), ("retry", "id", "--all"), ("list", "--state", "odd"), ("discard", "id")])
def test_wrong_usage_is_told_from_refusal(words: tuple[str, ...]) -> None:
    assert baton(*words).exit_code == 2
