"""Faults of broker, database and network."""

import contextlib
import signal
import time
from datetime import UTC, datetime

import psycopg

from tests.faults.campaign import Campaign
from tests.faults.infrastructure import PrivateStack
from tests.faults.wire.kafka import Api
from tests.faults.wire.postgres import Fate

TERMINATE = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'baton-%'
"""
#: the requests of a transaction whose replies get lost; the one that ends it twice as often
TRANSACTION = (Api.END_TXN, Api.END_TXN, Api.TXN_OFFSET_COMMIT, Api.ADD_OFFSETS, Api.ADD_PARTITIONS, Api.PRODUCE)
LATENCY_S = 0.15
BLACK_HOLE_S = 6.0


def kill_broker(campaign: Campaign, stack: PrivateStack) -> None:
    """Kill the broker; its supervisor starts it again."""
    began_at = datetime.now(UTC)
    campaign.recover("broker killed", began_at, stack.kill("kafka", signal.SIGKILL))


def stop_database_at_once(campaign: Campaign, stack: PrivateStack) -> None:
    """Let the database stop without finishing anything; it recovers from its log."""
    began_at = datetime.now(UTC)
    campaign.recover("database stopped at once", began_at, stack.kill("postgres", signal.SIGQUIT))


def kill_registry(campaign: Campaign, stack: PrivateStack) -> None:
    """Kill the schema registry."""
    began_at = datetime.now(UTC)
    campaign.recover("registry killed", began_at, stack.kill("registry", signal.SIGKILL))


def terminate_backends(campaign: Campaign) -> None:
    """End every session of the services, as an administrator may."""
    began_at = datetime.now(UTC)
    with psycopg.connect(campaign.settings.database_url, autocommit=True) as connection:
        connection.execute(TERMINATE)
    campaign.recover("backends terminated", began_at)


def lose_replies(campaign: Campaign, stack: PrivateStack, count: int) -> None:
    """Lose replies to commits of the database and to requests of transactions, spread over a while."""
    began_at, plan = datetime.now(UTC), stack.wires.kafka_plan
    each = max(1, count // 2 // len(TRANSACTION))
    for api in TRANSACTION:
        plan.lose_replies(api, each)
    stack.wires.postgres_plan.order(Fate.LOSE_REPLY, max(1, count - each * len(TRANSACTION)))
    _until_done(campaign, stack)
    campaign.recover("replies lost", began_at)


def refuse_commits(campaign: Campaign, stack: PrivateStack, count: int) -> None:
    """Let commits fail with a serialization failure."""
    began_at = datetime.now(UTC)
    stack.wires.postgres_plan.order(Fate.REFUSE, count)
    _until_done(campaign, stack)
    campaign.recover("serialization failures", began_at)


def delay_end_txn(campaign: Campaign, stack: PrivateStack, count: int) -> None:
    """Let EndTxn requests arrive in a later transaction of their producer."""
    began_at = datetime.now(UTC)
    stack.wires.kafka_plan.hold_end_txn(count)
    _until_done(campaign, stack)
    campaign.recover("EndTxn delayed", began_at)


def slow_network(campaign: Campaign, stack: PrivateStack, seconds: float) -> None:
    """Make every message late for a while."""
    began_at = datetime.now(UTC)
    for proxy in (stack.wires.kafka, stack.wires.postgres):
        proxy.slow_down(LATENCY_S)
    time.sleep(seconds)
    for proxy in (stack.wires.kafka, stack.wires.postgres):
        proxy.slow_down(0.0)
    campaign.recover("latency", began_at)


def reset_connections(campaign: Campaign, stack: PrivateStack) -> None:
    """Break every connection to broker and database."""
    began_at = datetime.now(UTC)
    stack.wires.kafka.reset_all()
    stack.wires.postgres.reset_all()
    campaign.recover("connections reset", began_at)


def black_hole(campaign: Campaign, stack: PrivateStack) -> None:
    """Let everything sent to broker and database vanish for a while."""
    began_at = datetime.now(UTC)
    for proxy in (stack.wires.kafka, stack.wires.postgres):
        proxy.swallow(is_on=True)
    time.sleep(BLACK_HOLE_S)
    for proxy in (stack.wires.kafka, stack.wires.postgres):
        proxy.swallow(is_on=False)
    campaign.recover("black hole", began_at)


def fill_disk(campaign: Campaign, stack: PrivateStack, seconds: float) -> None:
    """Leave the database no byte of its disk for a while."""
    began_at, ballast = datetime.now(UTC), stack.home.postgres / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 20))
    time.sleep(seconds)
    ballast.unlink()
    campaign.recover("disk full", began_at)


def _until_done(campaign: Campaign, stack: PrivateStack) -> None:
    plans = (stack.wires.kafka_plan, stack.wires.postgres_plan)
    campaign.expect(lambda: not any(plan.waiting() for plan in plans), "every fault that was ordered of the network")
    for plan in plans:
        plan.cancel()
