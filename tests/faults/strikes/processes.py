"""Faults of processes: killed at any moment, asked to end, frozen, fenced, and a group that never comes to rest."""

import signal
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random

import psycopg
from confluent_kafka import Consumer, KafkaException, Producer
from psycopg import sql

from runtime.kafka import SESSION_TIMEOUT_MS
from tests.faults.campaign import Campaign

#: who keeps an inbox and is never without work while offices and staff are at work
BUSY = ("matcher", "stager", "sla")
LONGER_THAN_SESSION_S = SESSION_TIMEOUT_MS / 1000 + 4
STORM_JOINS = 6
IN_DATABASE = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = %s AND state <> 'idle'
"""
#: a process that has nothing in hand is looked at again this often before it is killed all the same
LOOKS = 12


class RandomKills:
    """SIGKILLs at any moment, with a look at whether a batch was in hand."""

    def __init__(self, campaign: Campaign, seed: int) -> None:
        self._campaign = campaign
        self._random = Random(f"kills-{seed}")
        self.kills = 0
        self.in_flight = 0
        self.by_name: Counter[str] = Counter()

    def run(self, count: int) -> None:
        """Kill one random process after the other, each as soon as work goes on."""
        names = [name for name in self._campaign.fleet.names if name.partition(".")[0] in BUSY]
        for _ in range(count):
            self._kill(self._random.choice(names))

    def _kill(self, name: str) -> None:
        fleet = self._campaign.fleet
        for _ in range(LOOKS):
            time.sleep(self._random.uniform(0.02, 0.2))
            if not fleet.send_signal(name, signal.SIGSTOP):
                return
            if is_in_flight(self._campaign, name):
                self.in_flight += 1
                break
            fleet.send_signal(name, signal.SIGCONT)
        at = datetime.now(UTC)
        fleet.send_signal(name, signal.SIGKILL)
        self.kills += 1
        self.by_name[name] += 1
        self._campaign.tides.recovery(f"SIGKILL {name}", at)


def is_in_flight(campaign: Campaign, name: str) -> bool:
    """Tell whether a stopped process has a batch in hand: in the database, or decided and not yet committed."""
    service, _, instance = name.partition(".")
    with psycopg.connect(campaign.settings.database_url, autocommit=True) as connection:
        row = connection.execute(IN_DATABASE, [f"baton-{service}-{instance}"]).fetchone()
        if row is not None and row[0]:
            return True
        query = sql.SQL(
            "SELECT positions FROM {}.batch WHERE instance = %s AND NOT is_published ORDER BY batch_id DESC LIMIT 1"
        )
        last = connection.execute(query.format(sql.Identifier(service)), [instance]).fetchone()
    return last is not None and _is_ahead(campaign, service, last[0])


def _is_ahead(campaign: Campaign, service: str, positions: dict[str, int]) -> bool:
    try:
        committed = campaign.tides.look().committed
    except KafkaException:
        return False
    for place, offset in positions.items():
        topic, _, partition = place.rpartition("/")
        if committed.get((service, topic, int(partition)), 0) < offset:
            return True
    return False


def rolling_restart(campaign: Campaign) -> None:
    """Ask one process after the other to end, as a new version is rolled out."""
    began_at = datetime.now(UTC)
    for name in campaign.fleet.names:
        lives = campaign.fleet.lives()
        campaign.fleet.send_signal(name, signal.SIGTERM)
        _until_more_lives(campaign, lives)
        campaign.await_ready()
    campaign.recover("rolling restart", began_at)


def freeze(campaign: Campaign, names: Sequence[str]) -> None:
    """Stop processes for longer than the group waits for them, then let them go on as if nothing had been."""
    began_at = datetime.now(UTC)
    for name in names:
        campaign.fleet.send_signal(name, signal.SIGSTOP)
    time.sleep(LONGER_THAN_SESSION_S)
    for name in names:
        campaign.fleet.send_signal(name, signal.SIGCONT)
    campaign.recover(f"frozen {' '.join(names)}", began_at)


def rebalance_storm(campaign: Campaign, service: str) -> None:
    """Let a stranger join a service's group and leave it again, over and over."""
    began_at, settings = datetime.now(UTC), campaign.settings
    for _ in range(STORM_JOINS):
        stranger = Consumer(
            {
                "bootstrap.servers": settings.kafka_bootstrap_servers,
                "group.id": f"{settings.topic_prefix}{service}",
                "partition.assignment.strategy": "range",
                "enable.auto.commit": False,
                "session.timeout.ms": SESSION_TIMEOUT_MS,
            }
        )
        stranger.subscribe([settings.topic_prefix + topic for topic in campaign.consumed[service]])
        deadline = time.monotonic() + 6
        while not stranger.assignment() and time.monotonic() < deadline:
            stranger.consume(1, 0.1)
        stranger.close()
    campaign.recover(f"rebalance storm {service}", began_at)


def steal_transactional_id(campaign: Campaign, name: str) -> None:
    """Take the transactional id of a running process, as a second one with its slot would."""
    service, _, instance = name.partition(".")
    began_at, settings = datetime.now(UTC), campaign.settings
    thief = Producer(
        {
            "bootstrap.servers": settings.kafka_bootstrap_servers,
            "transactional.id": f"{settings.topic_prefix}{service}-{instance}",
        }
    )
    try:
        thief.init_transactions(20)
    except KafkaException:
        # its owner took it back in the same moment
        return
    campaign.recover(f"transactional id of {name} stolen", began_at)


def hold_down(campaign: Campaign, name: str) -> None:
    """Kill a process and keep it down for a while; nothing that must not be lost may depend on it."""
    began_at = datetime.now(UTC)
    with campaign.fleet.held(name, number=signal.SIGKILL):
        time.sleep(LONGER_THAN_SESSION_S)
    campaign.recover(f"{name} down", began_at)


def kill_everything(campaign: Campaign) -> None:
    """Kill every process at once, as a power cut of the machine of the services would."""
    began_at = datetime.now(UTC)
    for name in campaign.fleet.names:
        campaign.fleet.send_signal(name, signal.SIGKILL)
    campaign.recover("everything killed", began_at)


def _until_more_lives(campaign: Campaign, lives: int) -> None:
    campaign.expect(lambda: campaign.fleet.lives() > lives, "the successor of a process that was asked to end")
