"""The exactly-once step as real processes that are killed at every point: each effect and each record once."""

import random
import signal
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest
from confluent_kafka import Producer

from baton.stack.addresses import Addresses
from runtime.kafka import transactional_config
from schemas.events import ReferralCommanded
from schemas.ids import derived_id
from tests.support import relay
from tests.support.relay_world import RelayWorld, command, commands_for, relay_world
from tests.support.waiting import eventually

FAILPOINTS = ("before_database", "before_commit", "after_commit", "after_produce", "after_offsets", "after_transaction")
#: small batches, so that there are many places to die at
SMALL = {"batch_size": "20", "batch_wait_ms": "5"}
KILLED = -signal.SIGKILL


@pytest.fixture
def world(stack: Addresses, topic_prefix: str, database_url: str, tmp_path: Path) -> Iterator[RelayWorld]:
    with relay_world(
        stack.model_dump(), topic_prefix=topic_prefix, database_url=database_url, folder=tmp_path
    ) as prepared:
        yield prepared


def assert_each_once(world: RelayWorld, sent: Sequence[ReferralCommanded]) -> None:
    """Compare what was sent with the topic, the tables of the relay and those of the step."""
    seen = world.seen()
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

    for hit in (1, 3, 2):
        assert world.start(**SMALL, failpoint=f"relay.{place}@{hit}").wait(30) == KILLED
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
