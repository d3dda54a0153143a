"""The Faust windows on a real broker, with the courier behind them."""

import signal
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, Producer

from baton.sandbox import NotReady, Sandbox
from baton.stack.addresses import Addresses
from runtime.clock import MachineClock
from runtime.kafka import PARTITIONER, make_admin
from runtime.settings import Environment, ServiceSettings
from schemas.events import NoticeRequested, SlaSignalled
from schemas.ids import queue_of
from schemas.vocabulary import NoticeKind, SignalKind, Team
from services.sla.windows.changelogs import changelog_topics
from tests.support.sla import CLINIC, NETWORK, QUEUE, signalled
from tests.support.sla_world import SlaWorld, sla_world

WINDOW_S = 2
ENDLESS = {"SLA_WINDOW_S": "86400", "SLA_GRACE_S": "86400"}
TOLD = "SELECT count(*) FROM courier.told_signal WHERE kind <> 'breach_storm'"
OTHER_QUEUE = queue_of(NETWORK, CLINIC, Team.SCHEDULING)


@pytest.fixture
def world(stack: Addresses, tmp_path: Path) -> Iterator[SlaWorld]:
    infrastructure = ServiceSettings(
        kafka_bootstrap_servers=stack.kafka_bootstrap_servers,
        schema_registry_url=stack.schema_registry_url,
        database_url=stack.database_url,
        baton_environment=Environment.TEST,
    )
    settings = {"SLA_WINDOW_S": str(WINDOW_S), "SLA_GRACE_S": "1", "SLA_STORM_BREACHES": "1000"}
    with Sandbox(infrastructure, tmp_path, settings=settings, partitions=3) as sandbox, sla_world(sandbox) as world:
        yield world


def signals(count: int, *, first: int = 1, kind: SignalKind = SignalKind.REMINDER) -> list[SlaSignalled]:
    now = MachineClock().now()
    return [
        signalled(
            number,
            kind=kind,
            owner_queue=QUEUE if number % 2 else OTHER_QUEUE,
            fires_at=now,
            fired_at=now,
            due_at=now + timedelta(hours=2),
        )
        for number in range(first, first + count)
    ]


def publish(world: SlaWorld, batch: list[SlaSignalled]) -> None:
    world.publish(batch, at=MachineClock().now())


def told(world: SlaWorld) -> int:
    return world.count(TOLD)


def test_signals_of_a_window_are_one_notice_for_each_queue_and_kind(world: SlaWorld) -> None:
    world.sandbox.start("sla-windows", "courier")
    same_instant = signals(60) + signals(20, first=100, kind=SignalKind.BREACH)
    instant = same_instant[0].fires_at
    batch = [signal.model_copy(update={"fires_at": instant}) for signal in same_instant]

    publish(world, batch)
    world.until(lambda: told(world) == 80, what="every signal")

    notices = world.records(NoticeRequested)
    groups = sorted((n.recipient_queue, n.kind.value, len(n.signal_ids)) for n in notices)
    assert groups == sorted(
        [(OTHER_QUEUE, "breach", 10), (OTHER_QUEUE, "reminder", 30), (QUEUE, "breach", 10), (QUEUE, "reminder", 30)]
    )
    assert all(n.window_start <= instant < n.window_end for n in notices)


def test_a_late_signal_is_told_by_an_additional_notice(world: SlaWorld) -> None:
    world.sandbox.start("sla-windows", "courier")
    first, late = signals(1), signals(1, first=3)
    publish(world, first)
    world.until(lambda: told(world) == 1, what="the first notice")

    publish(world, [late[0].model_copy(update={"fires_at": first[0].fires_at})])
    world.until(lambda: told(world) == 2, what="the additional notice")

    assert [
        n.signal_ids for n in sorted(world.records(NoticeRequested), key=lambda n: n.signal_ids != (first[0].event_id,))
    ] == [
        (first[0].event_id,),
        (late[0].event_id,),
    ]


def test_many_breaches_of_one_stage_are_one_escalation(world: SlaWorld) -> None:
    world.sandbox.start("sla-windows", "courier", extra={"SLA_STORM_BREACHES": "10", "SLA_STORM_S": "60"})
    publish(world, signals(25, kind=SignalKind.BREACH))
    world.until(lambda: told(world) == 25, what="every breach")
    publish(world, signals(5, first=50, kind=SignalKind.BREACH))
    world.until(lambda: told(world) == 30, what="the breaches after the storm began")

    storms = world.rows("SELECT recipient_queue FROM courier.notice WHERE kind = 'breach_storm'")

    assert storms == [(queue_of(NETWORK, CLINIC, Team.SUPERVISOR),)]
    assert {n.kind for n in world.records(NoticeRequested)} == {NoticeKind.BREACH, NoticeKind.BREACH_STORM}


@pytest.mark.slow
def test_killed_again_and_again_each_signal_is_told_exactly_once(world: SlaWorld) -> None:
    world.sandbox.start("courier")
    sent = 0
    for failpoint in ("take@70", "take@120", "send@1", "tell@3", "take@30", "send@1"):
        publish(world, signals(100, first=1 + sent))
        sent += 100
        # it may die before it says that it is ready
        with suppress(NotReady):
            world.sandbox.start("sla-windows", extra={"FAILPOINT": f"windows.after_{failpoint}"})
        assert world.sandbox.process("sla-windows").wait(60) == -signal.SIGKILL
        world.sandbox.stop("sla-windows")
    world.sandbox.start("sla-windows")
    world.until(lambda: told(world) == sent, what="every signal")

    in_notices = world.rows("SELECT unnest(signal_ids) FROM courier.notice")
    assert len(in_notices) == len(set(in_notices)) == sent
    requested = [signal_id for n in world.records(NoticeRequested) for signal_id in n.signal_ids]
    assert set(requested) == {row[0] for row in in_notices}


def test_signals_that_were_taken_are_told_after_a_kill(world: SlaWorld) -> None:
    world.sandbox.start("courier", "sla-windows")
    # so that nothing of it is told before the kill
    over_at = MachineClock().now() + timedelta(seconds=40)
    publish(world, [each.model_copy(update={"fires_at": over_at}) for each in signals(30)])
    world.until(lambda: passed(world) == 30, what="the committed offsets")
    world.sandbox.stop("sla-windows", number=signal.SIGKILL)
    assert told(world) == 0

    world.sandbox.start("sla-windows")

    world.until(lambda: told(world) == 30, what="every signal")


def test_signals_of_partitions_without_a_committed_offset_are_told_after_a_restart(world: SlaWorld) -> None:
    world.sandbox.start("courier", "sla-windows")
    # of one referral, so that they are in one partition: the others have no committed offset
    publish(world, [each.model_copy(update={"referral_id": "one"}) for each in signals(5)])
    world.until(lambda: passed(world) == 5, what="the committed offset")
    world.sandbox.stop("sla-windows", number=signal.SIGKILL)

    publish(world, signals(60, first=100))
    world.sandbox.start("sla-windows")

    world.until(lambda: told(world) == 65, what="every signal", within_s=60)


def test_signals_of_an_aborted_transaction_are_never_told(world: SlaWorld) -> None:
    world.sandbox.start("sla-windows", "courier")
    in_transaction = signals(30)
    producer = Producer(
        {
            "bootstrap.servers": world.sandbox.settings.kafka_bootstrap_servers,
            "transactional.id": f"{world.sandbox.prefix}aborting",
            "partitioner": PARTITIONER,
        }
    )
    producer.init_transactions(20)
    producer.begin_transaction()
    for event in in_transaction:
        topic = world.sandbox.prefix + SlaSignalled.schema_name
        producer.produce(topic, key=event.referral_id, value=world.codec.encode(event))
    producer.flush(120)
    producer.abort_transaction(20)

    publish(world, signals(30, first=100))
    world.until(lambda: told(world) >= 30, what="what was committed")

    assert told(world) == 30
    assert not {n for n in world.records(NoticeRequested) if {s.event_id for s in in_transaction} & set(n.signal_ids)}


def test_an_unreadable_record_does_not_stop_the_others(world: SlaWorld) -> None:
    world.sandbox.start("sla-windows", "courier")
    producer = Producer({"bootstrap.servers": world.sandbox.settings.kafka_bootstrap_servers})
    for value in (b"", b"no record", None):
        producer.produce(world.sandbox.prefix + SlaSignalled.schema_name, key="x", value=value, partition=0)
    producer.flush(120)
    nobody = signals(1, first=9)[0].model_copy(update={"owner_queue": "riverside.harbor.nobody"})

    publish(world, [nobody, *signals(12, first=100)])
    world.until(lambda: told(world) == 12, what="the readable ones")

    assert world.sandbox.process("sla-windows").poll() is None


def test_signals_are_told_though_the_tables_that_held_them_are_gone(world: SlaWorld) -> None:
    world.sandbox.start("courier")
    # a window that is never over: everything is taken and nothing told
    world.sandbox.start("sla-windows", extra=ENDLESS)
    publish(world, signals(30))
    world.until(lambda: passed(world) == 30, what="the committed offsets")
    world.sandbox.stop("sla-windows", number=signal.SIGKILL)
    assert told(world) == 0

    admin = make_admin(world.sandbox.settings.kafka_bootstrap_servers)
    changelogs = set(changelog_topics(world.sandbox.prefix))
    for deleted in admin.delete_topics(list(changelogs)).values():
        deleted.result(timeout=120)
    world.until(lambda: changelogs.isdisjoint(admin.list_topics(timeout=120).topics), what="the end of the topics")
    world.sandbox.apply_topics()
    world.sandbox.start("sla-windows")
    world.until(lambda: told(world) == 30, what="every signal")


def passed(world: SlaWorld) -> int:
    request = [ConsumerGroupTopicPartitions(f"{world.sandbox.prefix}sla-windows")]
    admin = make_admin(world.sandbox.settings.kafka_bootstrap_servers)
    places = admin.list_consumer_group_offsets(request)[request[0].group_id].result().topic_partitions
    return sum(place.offset for place in places if place.topic.endswith(SlaSignalled.schema_name))
