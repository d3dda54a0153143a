"""Clocks and firing on a real broker and database."""

import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from baton.sandbox import Sandbox
from baton.stack.addresses import Addresses
from runtime.settings import Environment, ServiceSettings
from schemas.events import SlaSignalled
from schemas.vocabulary import ChangeKind, ClockState, Priority, SignalKind, Stage
from tests.support.sla import HOUR, MONDAY, change, referral_id
from tests.support.sla_world import SlaWorld, sla_world
from tests.support.stager import match

REFERRALS = 40


@pytest.fixture
def clock_file(tmp_path: Path) -> Path:
    path = tmp_path / "clock"
    set_clock(path, MONDAY)
    return path


@pytest.fixture
def world(stack: Addresses, tmp_path: Path, clock_file: Path) -> Iterator[SlaWorld]:
    infrastructure = ServiceSettings(
        kafka_bootstrap_servers=stack.kafka_bootstrap_servers,
        schema_registry_url=stack.schema_registry_url,
        database_url=stack.database_url,
        baton_environment=Environment.TEST,
    )
    settings = {"CLOCK": f"file:{clock_file}", "SLA_SCAN_MS": "50"}
    with Sandbox(infrastructure, tmp_path, settings=settings, partitions=3) as sandbox, sla_world(sandbox) as world:
        yield world


def set_clock(path: Path, instant: datetime) -> None:
    # renamed into place, so that nobody reads half an instant
    new = path.with_suffix(".new")
    new.write_text(instant.isoformat())
    new.rename(path)


def armed(world: SlaWorld) -> int:
    return world.count("SELECT count(*) FROM sla.clock WHERE state = 'armed'")


def test_clocks_fire_at_their_time_and_not_before(world: SlaWorld, clock_file: Path) -> None:
    world.sandbox.start("sla", "sla-firing")
    world.publish([change(1)], at=MONDAY)
    world.until(lambda: armed(world) == 2, what="both clocks")

    set_clock(clock_file, MONDAY + 6 * HOUR - timedelta(microseconds=1))
    later = change(2, remind_at=MONDAY + HOUR, due_at=MONDAY + 9 * HOUR)
    world.publish([later], at=MONDAY)
    world.until(lambda: armed(world) == 3, what="the reminder of the second referral")
    before = world.records(SlaSignalled)
    set_clock(clock_file, MONDAY + 8 * HOUR)
    world.until(lambda: armed(world) == 1, what="reminder and breach of the first referral")

    assert [(s.referral_id, s.kind) for s in before] == [(referral_id(2), SignalKind.REMINDER)]
    signals = world.records(SlaSignalled)
    assert sorted((s.referral_id, s.kind.value) for s in signals) == sorted(
        [(referral_id(1), "breach"), (referral_id(1), "reminder"), (referral_id(2), "reminder")]
    )
    assert all(s.fires_at <= s.fired_at for s in signals)


def test_leaving_cancels_pausing_suspends_and_a_new_due_time_moves(world: SlaWorld, clock_file: Path) -> None:
    world.sandbox.start("sla")
    world.publish(
        [
            change(1),
            change(1, sequence=2, stage_entry=2, stage=Stage.DOCUMENTATION, due_at=MONDAY + 80 * HOUR, remind_at=None),
            change(2),
            change(2, sequence=2, clock=ClockState.PAUSED, due_at=None, remind_at=None),
            change(3),
            change(3, sequence=2, kind=ChangeKind.PRIORITY_CHANGED, due_at=MONDAY + 2 * HOUR, remind_at=None),
        ],
        at=MONDAY,
    )

    world.until(lambda: world.count("SELECT count(*) FROM sla.stay WHERE sequence = 2") == 3, what="all changes")

    rows = world.rows("SELECT referral_id, stage_entry, kind, state FROM sla.clock ORDER BY 1, 2, 3")
    assert sorted(map(str, rows)) == sorted(
        str(row)
        for row in [
            (referral_id(1), 1, "breach", "cancelled"),
            (referral_id(1), 1, "reminder", "cancelled"),
            (referral_id(1), 2, "breach", "armed"),
            (referral_id(2), 1, "breach", "suspended"),
            (referral_id(2), 1, "reminder", "suspended"),
            (referral_id(3), 1, "breach", "armed"),
            (referral_id(3), 1, "reminder", "cancelled"),
        ]
    )


@pytest.mark.parametrize("failpoint", ["firing.after_produce", "firing.before_commit"])
def test_killed_between_broker_and_database_each_breach_counts_once(
    world: SlaWorld, clock_file: Path, failpoint: str
) -> None:
    world.sandbox.start("stager", "sla")
    world.publish([match(n, priority=Priority.STAT, at=MONDAY) for n in range(REFERRALS)], at=MONDAY)
    world.until(lambda: armed(world) == REFERRALS, what="a clock for each referral")
    # a stager that listens would stop the repeats before they are sent
    world.sandbox.stop("stager")
    world.sandbox.start("sla-firing", extra={"FAILPOINT": failpoint, "SLA_FIRE_LIMIT": "15"})

    set_clock(clock_file, MONDAY + 3 * HOUR)
    assert world.sandbox.process("sla-firing").wait(120) == -signal.SIGKILL
    world.sandbox.stop("sla-firing")
    unmarked = armed(world)
    world.sandbox.start("sla-firing", "sla-firing.1", extra={"SLA_FIRE_LIMIT": "15"})
    world.until(lambda: armed(world) == 0, what="all clocks")
    world.sandbox.start("stager")
    breached = "SELECT count(*) FROM stager.stage_history WHERE kind = 'breached'"
    world.until(lambda: world.count(breached) >= REFERRALS, what="all breaches")
    world.until(lambda: world.count("SELECT count(*) FROM sla.clock WHERE is_heard") == REFERRALS, what="all heard")

    signals = [s.event_id for s in world.records(SlaSignalled)]
    assert unmarked == REFERRALS
    assert len(signals) > len(set(signals)) == REFERRALS
    assert world.count(breached) == REFERRALS
    assert (
        world.count("SELECT count(DISTINCT referral_id) FROM stager.stage_history WHERE kind = 'breached'") == REFERRALS
    )


def test_after_a_long_outage_each_clock_fires_once_and_late(world: SlaWorld, clock_file: Path) -> None:
    world.publish([change(n) for n in range(REFERRALS)], at=MONDAY)
    set_clock(clock_file, MONDAY + 100 * HOUR)

    world.sandbox.start("sla", "sla-firing", "sla-firing.1")
    fired = "SELECT count(*) FROM sla.clock WHERE state = 'fired'"
    world.until(lambda: world.count(fired) == 2 * REFERRALS, what="every clock")

    signals = world.records(SlaSignalled)
    assert len(signals) == len({s.event_id for s in signals}) == 2 * REFERRALS
    assert {s.fired_at for s in signals} == {MONDAY + 100 * HOUR}
