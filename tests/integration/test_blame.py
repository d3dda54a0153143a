"""Which ends of a process count against the records in its hands, and which absences end no process at all."""

import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from baton.stack.addresses import Addresses
from baton.stack.ports import free_port
from runtime.attempts import KILLED_THE_PROCESS, MAX_ATTEMPTS
from runtime.failures import FAILURES_IN_A_ROW
from tests.support.relay_world import RelayWorld, command, commands_for, relay_world
from tests.support.waiting import eventually

SMALL = {"batch_size": "20", "batch_wait_ms": "5"}
SESSIONS = "application_name LIKE 'baton-relay-%' AND datname = current_database()"


@pytest.fixture
def world(stack: Addresses, topic_prefix: str, database_url: str, tmp_path: Path) -> Iterator[RelayWorld]:
    with relay_world(
        stack.model_dump(), topic_prefix=topic_prefix, database_url=database_url, folder=tmp_path
    ) as prepared:
        yield prepared


def end_uncleanly(world: RelayWorld) -> None:
    """Let the next life be a careful one."""
    process = world.start(**SMALL)
    eventually(lambda: "partitions_assigned" in world.log.read_text(), what="the first life to begin")
    process.send_signal(signal.SIGKILL)
    process.wait()


def attempts(world: RelayWorld) -> list[int]:
    return [row[0] for row in world.rows("SELECT attempts FROM relay.attempt")]


def readiness(port: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=120) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_part_that_is_away_for_a_while_is_waited_for_in_place(world: RelayWorld) -> None:
    end_uncleanly(world)
    sent = [*commands_for(referrals=3, each=2), command("waits", 1, comment="away")]
    world.send(*sent)
    port = str(free_port())

    with world.running(**SMALL, metrics_port=port) as process:
        eventually(lambda: "waiting_for" in world.log.read_text(), what="the process to wait")
        answer = readiness(port)
        world.heal()
        world.await_all()
        assert process.poll() is None
        assert readiness(port)[0] == 200

    assert answer == (503, "not ready: infrastructure is away\n")
    assert world.effects() == sorted(c.event_id for c in sent)
    assert (world.quarantine(), attempts(world)) == ([], [])


def test_a_part_that_stays_away_ends_the_process_and_blames_no_record(world: RelayWorld) -> None:
    end_uncleanly(world)
    world.send(command("waits", 1, comment="away"))

    for _ in range(MAX_ATTEMPTS + 2):
        assert world.start(**SMALL, patience_s="0.5").wait(120) == 70
        assert set(attempts(world)) <= {0}
    world.heal()
    with world.running(**SMALL):
        world.await_all()

    assert (world.quarantine(), len(world.effects())) == ([], 1)


def test_a_database_that_goes_away_with_records_in_hand_blames_none_of_them(world: RelayWorld) -> None:
    end_uncleanly(world)
    world.send(command("one", 1))

    for _ in range(MAX_ATTEMPTS + 1):
        process = world.start(**SMALL, dawdle_s="2")
        eventually(lambda: 1 in attempts(world), what="the record to be in hand")
        world.rows(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {SESSIONS}")
        assert process.wait(120) == 70
        assert attempts(world) == [0]
    with world.running(**SMALL):
        world.await_all()

    assert (world.quarantine(), len(world.effects())) == ([], 1)


def test_a_cause_that_strikes_everybody_stops_the_service_but_not_for_ever(world: RelayWorld) -> None:
    failing = [
        command(f"K{n}", 1, comment="fail", by=f"user-{n % 5}", network=f"network-{n % 2}")
        for n in range(2 * FAILURES_IN_A_ROW)
    ]
    good = command("good", 1)
    world.send(*failing, good)
    lives = 0

    while world.effects() != [good.event_id] or world.lag() > 0:
        lives += 1
        assert lives <= 12
        process = world.start(batch_size="500", batch_wait_ms="300")
        eventually(lambda: process.poll() is not None or world.lag() == 0)  # noqa: B023
        assert world.stop(process) in (0, 70)

    assert lives > 1
    assert {row["reason"] for row in world.quarantine()} == {"failed_in_service"}
    assert len(world.quarantine()) == len(failing)
    assert KILLED_THE_PROCESS not in {row["reason"] for row in world.quarantine()}
