"""The exactly-once step as real processes that are killed at every point: each effect and each record once."""

import random
import signal
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from confluent_kafka import Producer

from baton.stack.addresses import Addresses
from runtime.kafka import transactional_config
from schemas.events import ReferralCommanded
from schemas.ids import derived_id
from tests.support import relay
from tests.support.relay_world import RelayWorld, commands_for, relay_world
from tests.support.waiting import eventually

FAILPOINTS = ("before_database", "before_commit", "after_commit", "after_produce", "after_offsets", "after_transaction")
#: small batches, so that there are many places to die at
SMALL = {"batch_size": "20", "batch_wait_ms": "5"}
KILLED = -signal.SIGKILL
TRANSACTION_GIVEN_UP_WITHIN_S = 25.0


@pytest.fixture
def world(stack: Addresses, topic_prefix: str, database_url: str, tmp_path: Path) -> Iterator[RelayWorld]:
    with relay_world(
        stack.model_dump(), topic_prefix=topic_prefix, database_url=database_url, folder=tmp_path
    ) as prepared:
        yield prepared


def assert_each_once(world: RelayWorld, sent: Sequence[ReferralCommanded]) -> None:
    """Compare what was sent with the topic, the tables of the relay and those of the step."""
    # the open transaction of a process that was killed hides what comes after it until the broker gives it up
    seen = eventually(
        lambda: found if len(found := world.seen()) >= len(sent) else None,
        within_s=TRANSACTION_GIVEN_UP_WITHIN_S,
        what="every change to be readable",
    )
    repeats = [event_id for event_id, count in Counter(s.event.event_id for s in seen).items() if count > 1]
    assert repeats == []
    assert {s.event.event_id for s in seen} == {derived_id(c.event_id, 0) for c in sent}
    sequences = defaultdict(list)
    for one in seen:
        sequences[one.key].append(one.event.sequence)
    expected = Counter(c.referral_id for c in sent)
    assert sequences == {key: list(range(1, count + 1)) for key, count in expected.items()}
    assert world.counts() == expected
    assert world.effects() == sorted(c.event_id for c in sent)
    assert {row[0] for row in world.rows("SELECT event_id FROM relay.inbox")} == {c.event_id for c in sent}


def drain(world: RelayWorld, **extra: str) -> None:
    """Run a healthy relay until it has passed everything."""
    with world.running(**{**SMALL, **extra}) as process:
        world.await_all()
        assert process.poll() is None
    assert process.returncode == 0


@pytest.mark.parametrize("place", FAILPOINTS)
def test_killed_at_a_failpoint_everything_happens_once(world: RelayWorld, place: str) -> None:
    sent = commands_for(referrals=12, each=25)
    world.send(*sent)

    for hit in (1, 3):
        assert world.start(**SMALL, failpoint=f"relay.{place}@{hit}").wait(120) == KILLED
    drain(world)

    assert_each_once(world, sent)
    assert world.quarantine() == []


def test_random_kills_while_records_arrive(world: RelayWorld) -> None:
    dice = random.Random(20261123)
    sent: list[ReferralCommanded] = []
    everywhere = ",".join(f"relay.{place}:0.02" for place in FAILPOINTS)

    for life in range(8):
        wave = commands_for(referrals=12, each=15, first=15 * life)
        process = world.start(**SMALL, failpoint=everywhere)
        for command_ in wave:
            world.send(command_)
        sent += wave
        try:
            process.wait(dice.uniform(0.5, 2.0))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    drain(world)

    assert_each_once(world, sent)
    assert world.quarantine() == []


def test_the_same_event_sent_three_times_is_applied_once(world: RelayWorld) -> None:
    sent = commands_for(referrals=5, each=4)
    world.send(*sent, *sent)
    drain(world)
    world.send(*sent)

    drain(world)

    assert_each_once(world, sent)


def test_without_offsets_everything_is_read_again_and_nothing_is_said_again(world: RelayWorld) -> None:
    sent = commands_for(referrals=10, each=20)
    world.send(*sent)
    with world.running(**SMALL) as process:
        world.await_all()
        eventually(lambda: world.rows("SELECT count(*) FROM relay.batch WHERE NOT is_published")[0][0] == 0)
        # not a clean end: what is on the topics must be known without it
        process.kill()
        process.wait()
    world.forget_offsets()

    drain(world)

    assert_each_once(world, sent)


def test_a_second_process_of_the_same_slot_ends_the_first(world: RelayWorld) -> None:
    sent = commands_for(referrals=10, each=60)
    world.send(*sent)
    first = world.start(**SMALL, dawdle_s="0.05")
    eventually(lambda: world.counts() != {}, what="the first process to work")
    sessions = "SELECT pid FROM pg_stat_activity WHERE application_name = 'baton-relay-0'"
    (session,) = world.rows(f"{sessions} AND datname = current_database()")
    first.send_signal(signal.SIGSTOP)

    second = world.start(**SMALL)
    # sooner than the limit on idle transactions would end it
    eventually(lambda: session not in world.rows(sessions), within_s=9, what="the first one's locks to be gone")
    world.await_all()
    first.send_signal(signal.SIGCONT)

    assert first.wait(120) != 0
    assert world.stop(second) == 0
    assert_each_once(world, sent)


def test_an_instance_that_slept_too_long_says_nothing_when_it_wakes_up(world: RelayWorld) -> None:
    sent = commands_for(referrals=10, each=60)
    world.send(*sent)
    sleeper = world.start(**SMALL, failpoint="relay.after_commit=stop@4")
    eventually(lambda: is_stopped(sleeper), what="the sleeper to fall asleep with a batch in hand")

    with world.running(instance="1", **SMALL) as other:
        world.await_all()
        sleeper.send_signal(signal.SIGCONT)
        assert sleeper.wait(120) == 70
        assert other.poll() is None

    assert_each_once(world, sent)


def test_two_instances_share_the_work_and_one_may_die(world: RelayWorld) -> None:
    sent = commands_for(referrals=12, each=60)
    with world.running(instance="1", **SMALL, dawdle_s="0.02"):
        first = world.start(**SMALL, dawdle_s="0.02")
        eventually(lambda: world.log.read_text().count("partitions_assigned") >= 2, what="both to be members")
        world.send(*sent)
        eventually(lambda: len(world.effects()) > 100, what="some work to be done")
        first.kill()
        first.wait()
        world.await_all()

    assert_each_once(world, sent)


def test_a_lost_database_connection_ends_the_process_and_nothing_else(world: RelayWorld) -> None:
    sent = commands_for(referrals=10, each=40)
    world.send(*sent)
    process = world.start(**SMALL, dawdle_s="0.05")
    eventually(lambda: world.counts() != {}, what="the process to work")

    world.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE 'baton-relay-%' AND datname = current_database()"
    )

    assert process.wait(120) == 70
    drain(world)
    assert_each_once(world, sent)
    assert world.quarantine() == []


@pytest.mark.parametrize("is_busy", [True, False], ids=["busy", "idle"])
def test_a_fenced_process_ends_with_its_next_transaction(world: RelayWorld, is_busy: bool) -> None:
    sent = commands_for(referrals=10, each=40)
    world.send(*(sent if is_busy else sent[:10]))
    process = world.start(**SMALL, dawdle_s="0.05")
    eventually(lambda: world.counts() != {} if is_busy else world.lag() == 0, what="the process to work")

    usurper = Producer(transactional_config(world.settings, service=relay.SERVICE))
    usurper.init_transactions(10)
    if not is_busy:
        world.send(*sent[10:])

    assert process.wait(120) == 70
    drain(world)
    assert_each_once(world, sent)


def test_a_registry_that_is_away_blames_no_record(world: RelayWorld) -> None:
    sent = commands_for(referrals=3, each=2)
    world.send(*sent)

    for _ in range(5):
        silent = world.start(**SMALL, speaks="false", patience_s="0.5", schema_registry_url="http://127.0.0.1:9")
        assert silent.wait(120) == 70
    drain(world, speaks="false")

    assert world.quarantine() == []
    assert world.effects() == sorted(c.event_id for c in sent)
    assert world.seen() == []


def is_stopped(process: subprocess.Popen[bytes]) -> bool:
    """Tell whether a process sleeps by SIGSTOP."""
    status = Path(f"/proc/{process.pid}/stat").read_text()
    return status.rpartition(")")[2].split()[0] == "T"
