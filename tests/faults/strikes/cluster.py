"""Faults of a cluster: the node dies that leads a busy partition, the controllers, or a service's transactions."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random

from tests.faults.campaign import Campaign
from tests.faults.cluster import WHOLE_WITHIN_S, Cluster, await_that
from tests.faults.evidence import Outage

TRANSACTIONS = "__transaction_state"
#: who produces in transactions
TRANSACTIONAL = ("matcher.0", "matcher.1", "stager.0", "stager.1")
BUSY_FOR_S = 1.0


def kill_leader(campaign: Campaign, cluster: Cluster) -> None:
    """Kill the node that leads the partition that grows fastest."""
    topic, partition = _busiest(campaign)
    name = campaign.sandbox.prefix + topic
    _kill(campaign, cluster, f"leader of {topic} killed", lambda: cluster.leaders(name)[partition])


def kill_controller(campaign: Campaign, cluster: Cluster) -> None:
    """Kill the node whose controller leads the others."""
    _kill(campaign, cluster, "active controller killed", cluster.active_controller)


def kill_coordinator(campaign: Campaign, cluster: Cluster, random: Random) -> None:
    """Kill the node that keeps the transactions of a running process."""
    name = random.choice([name for name in campaign.fleet.names if name in TRANSACTIONAL])
    partitions = len(cluster.leaders(TRANSACTIONS))
    partition = coordinating_partition(transactional_id(campaign.sandbox.prefix, name), partitions)
    fault = f"transaction coordinator of {name} killed"
    _kill(campaign, cluster, fault, lambda: cluster.leaders(TRANSACTIONS)[partition])


def transactional_id(prefix: str, name: str) -> str:
    """Return what a process calls itself to the coordinator."""
    service, _, instance = name.partition(".")
    return f"{prefix}{service}-{instance}"


def coordinating_partition(name: str, partitions: int) -> int:
    """Return the partition of the transactions' topic that a transactional id belongs to: by Java's hash of it."""
    hashed = 0
    for character in name:
        hashed = (31 * hashed + ord(character)) & 0xFFFF_FFFF
    signed = hashed - (1 << 32) if hashed >= 1 << 31 else hashed
    return (0 if signed == -(1 << 31) else abs(signed)) % partitions


def _kill(campaign: Campaign, cluster: Cluster, fault: str, who: Callable[[], int]) -> None:
    began_at, victim = datetime.now(UTC), who()
    # work has to go on without the dead node, so that the time counts from its death
    campaign.recover(f"{fault} (node {victim})", began_at, cluster.kill(victim))
    await_that(lambda: who() not in (victim, -1), WHOLE_WITHIN_S, f"a successor after: {fault}")
    cluster.await_whole()
    # until then every write waits for all that are left, and for one that catches up
    campaign.outages.append(Outage(began_at, datetime.now(UTC)))


def _busiest(campaign: Campaign) -> tuple[str, int]:
    before = campaign.tides.ends()
    time.sleep(BUSY_FOR_S)
    after = campaign.tides.ends()
    return max(after, key=lambda place: after[place] - before[place])
