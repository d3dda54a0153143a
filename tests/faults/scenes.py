"""The scenes of a run: a deployment each, and what strikes it."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random

from baton.stack.paths import StackHome
from tests.faults.campaign import Campaign, Load, Setting
from tests.faults.cluster import REPLICATION_FACTOR, Cluster
from tests.faults.infrastructure import PrivateStack, private_stack, shared_infrastructure, small_disk
from tests.faults.invariants import check
from tests.faults.outcome import Result, result_of
from tests.faults.strikes import cluster as nodes
from tests.faults.strikes import infrastructure as broken
from tests.faults.strikes import offsets, processes, tables
from tests.faults.strikes.clock import SHIFT, MovedClock, shift_clock
from tests.faults.strikes.failpoints import Armory, FailpointRounds

EVERYTHING = (
    "channels.0", "intake.0", "intake.1", "matcher.0", "matcher.1", "stager.0", "stager.1", "sla.0", "sla.1",
    "sla-firing.0", "sla-firing.1", "sla-windows.0", "courier.0", "courier.1",
)  # fmt: skip
#: what a broken network or broker is shown on: everything that transactions and clocks depend on
CORE = ("matcher.0", "matcher.1", "stager.0", "stager.1", "sla.0", "sla-firing.0")
SMALL_DISK_MB = 500
#: faults on the wire before work has to be level again
AT_ONCE = 25
#: those that a replay of their input must not change
REPLAYED = ("matcher", "stager", "sla")


@dataclass(frozen=True, kw_only=True)
class Dose:
    """How much of everything."""

    hits_each: int = 0
    hits_within_s: float = 60.0
    random_kills: int = 0
    others: int = 0  #: rounds of the faults that are told one by one
    lost_replies: int = 0
    late_end_txns: int = 0
    broker_kills: int = 0
    database_stops: int = 0
    cluster_kills: int = 0  #: of each: leader of a partition, active controller, transaction coordinator
    #: longest standstill after a fault; None where the machine is anybody's, and only a standstill without end is wrong
    recovers_within_s: float | None = None


class Scene:
    """One deployment with what happens to it."""

    def __init__(self, name: str, seed: int, folder: Path, dose: Dose) -> None:
        self.name, self.seed, self.folder, self.dose = name, seed, folder, dose
        self.faults: Counter[str] = Counter()
        self.rounds: FailpointRounds | None = None
        self.kills: processes.RandomKills | None = None

    def count(self, fault: str, strike: Callable[[], object], *, times: int = 1) -> None:
        """Let a fault strike so many times."""
        for _ in range(times):
            strike()
            self.faults[fault] += 1

    def judge(self, campaign: Campaign) -> Result:
        """End a campaign and judge it; what is not clean stays for whoever looks for the cause."""
        evidence = replace(campaign.finish(), recovers_within_s=self.dose.recovers_within_s)
        violations = check(evidence)
        result = result_of(self.name, self.seed, evidence, violations, self.faults)
        if self.rounds is not None:
            result.failpoints = dict(self.rounds.hits)
        if self.kills is not None:
            result.random_kills, result.in_flight = self.kills.kills, self.kills.in_flight
        if violations or result.is_void:
            campaign.condemn(violations)
        return result


def play(name: str, seed: int, folder: Path, dose: Dose) -> Result:
    """Play one scene and judge it."""
    began = time.monotonic()
    scene = Scene(name, seed, folder, dose)
    result = SCENES[name](scene)
    result.seconds = round(time.monotonic() - began, 1)
    return result


def _processes(scene: Scene) -> Result:
    setting = Setting(infrastructure=shared_infrastructure(), folder=scene.folder, seed=scene.seed, names=EVERYTHING)
    armory = Armory(scene.folder, EVERYTHING)
    with Campaign(setting, armory.environment) as campaign:
        campaign.begin_load()
        scene.rounds = FailpointRounds(campaign, armory, scene.seed)
        scene.rounds.run(hits_each=scene.dose.hits_each, within_s=scene.dose.hits_within_s)
        scene.kills = processes.RandomKills(campaign, scene.seed)
        scene.kills.run(scene.dose.random_kills)
        for _ in range(scene.dose.others):
            _other_faults_of_processes(scene, campaign)
        return scene.judge(campaign)


def _other_faults_of_processes(scene: Scene, campaign: Campaign) -> None:
    scene.count("rolling restarts", lambda: processes.rolling_restart(campaign))
    scene.count("processes frozen", lambda: processes.freeze(campaign, ["stager.0", "matcher.1"]))
    scene.count("processes frozen", lambda: processes.freeze(campaign, ["sla.0", "sla-firing.0", "intake.0"]))
    for service in ("matcher", "stager"):
        scene.count("rebalance storms", partial(processes.rebalance_storm, campaign, service))
        scene.count("transactional ids stolen", partial(processes.steal_transactional_id, campaign, f"{service}.0"))
    for service in REPLAYED:
        scene.count("group offsets deleted", partial(offsets.delete_offsets, campaign, service))
        scene.count("topics replayed", partial(offsets.replay_from_start, campaign, service))
    scene.count("Faust down", lambda: processes.hold_down(campaign, "sla-windows.0"))
    scene.count("Faust's tables deleted", lambda: tables.delete_tables(campaign))
    scene.count("everything killed", lambda: processes.kill_everything(campaign))


def _on_private_stack(
    scene: Scene, strike: Callable[[Scene, Campaign, PrivateStack], None], *, repeats_allowed: bool = False
) -> Result:
    with private_stack(scene.folder, scene.seed) as stack:
        setting = Setting(
            infrastructure=stack.relayed,
            direct=stack.direct,
            folder=scene.folder,
            seed=scene.seed,
            names=CORE,
            load=Load(referrals_per_s=12, commands_per_s=25, poison_per_s=3),
            repeats_allowed=repeats_allowed,
            server_logs=(stack.home.log_of("postgres"), stack.home.log_of("kafka")),
        )
        with Campaign(setting) as campaign:
            campaign.begin_load()
            time.sleep(2)
            strike(scene, campaign, stack)
            result = scene.judge(campaign)
        result.notes = {**stack.wires.kafka_plan.lost, **stack.wires.postgres_plan.done}
        result.notes |= {f"late EndTxn after {name}": n for name, n in stack.wires.kafka_plan.late.items()}
    return result


def _parts(count: int) -> Iterator[int]:
    """Yield how many of so many faults come before work has to be level again."""
    for begun in range(0, count, AT_ONCE):
        yield min(AT_ONCE, count - begun)


def _broker(scene: Scene) -> Result:
    def strike(scene: Scene, campaign: Campaign, stack: PrivateStack) -> None:
        dose = scene.dose
        scene.count("broker killed", lambda: broken.kill_broker(campaign, stack), times=dose.broker_kills)
        scene.count(
            "database stopped", lambda: broken.stop_database_at_once(campaign, stack), times=dose.database_stops
        )
        scene.count("backends terminated", lambda: broken.terminate_backends(campaign), times=dose.others)
        scene.count("registry killed", lambda: broken.kill_registry(campaign, stack), times=min(1, dose.others))

    return _on_private_stack(scene, strike)


def _network(scene: Scene) -> Result:
    def strike(scene: Scene, campaign: Campaign, stack: PrivateStack) -> None:
        dose, wires = scene.dose, stack.wires
        for part in _parts(dose.lost_replies):
            broken.lose_replies(campaign, stack, part)
        scene.faults["replies lost"] = sum(wires.kafka_plan.lost.values()) + sum(wires.postgres_plan.done.values())
        before = wires.postgres_plan.done.total()
        broken.refuse_commits(campaign, stack, 5 * dose.others)
        scene.faults["serialization failures"] = wires.postgres_plan.done.total() - before
        for _ in range(dose.others):
            scene.count("latency", lambda: broken.slow_network(campaign, stack, 5))
            scene.count("connections reset", lambda: broken.reset_connections(campaign, stack))
            scene.count("black holes", lambda: broken.black_hole(campaign, stack))

    return _on_private_stack(scene, strike)


def _late_end_txn(scene: Scene) -> Result:
    def strike(scene: Scene, campaign: Campaign, stack: PrivateStack) -> None:
        for part in _parts(scene.dose.late_end_txns):
            broken.delay_end_txn(campaign, stack, part)
        scene.faults["EndTxn delayed"] = stack.wires.kafka_plan.late.total()

    return _on_private_stack(scene, strike, repeats_allowed=True)


def _clock(scene: Scene) -> Result:
    with MovedClock(scene.folder / "clock") as clock:
        setting = Setting(
            infrastructure=shared_infrastructure(),
            folder=scene.folder,
            seed=scene.seed,
            names=CORE,
            settings={"CLOCK": clock.setting},
        )
        with Campaign(setting) as campaign:
            campaign.begin_load()
            time.sleep(3)
            for _ in range(scene.dose.others):
                for shift in (SHIFT, -SHIFT):
                    scene.count("clock shifted by 10 min", partial(shift_clock, campaign, clock, shift))
            return scene.judge(campaign)


def _full_disk(scene: Scene) -> Result:
    def strike(scene: Scene, campaign: Campaign, stack: PrivateStack) -> None:
        scene.count("disk full", lambda: broken.fill_disk(campaign, stack, 5), times=scene.dose.others)

    with small_disk(StackHome(scene.folder / "stack").postgres, SMALL_DISK_MB):
        return _on_private_stack(scene, strike)


def _cluster(scene: Scene) -> Result:
    shared, random = shared_infrastructure(), Random(f"cluster-{scene.seed}")
    with Cluster(scene.folder / "cluster") as cluster:
        setting = Setting(
            infrastructure=shared.model_copy(update={"kafka_bootstrap_servers": cluster.address}),
            folder=scene.folder,
            seed=scene.seed,
            names=CORE,
            load=Load(referrals_per_s=4, commands_per_s=8, poison_per_s=1),
            replication_factor=REPLICATION_FACTOR,
            server_logs=tuple(node.log for node in cluster.nodes.values()),
        )
        with Campaign(setting) as campaign:
            campaign.begin_load()
            time.sleep(2)
            for _ in range(scene.dose.cluster_kills):
                scene.count("partition leaders killed", lambda: nodes.kill_leader(campaign, cluster))
                scene.count("active controllers killed", lambda: nodes.kill_controller(campaign, cluster))
                scene.count(
                    "transaction coordinators killed", lambda: nodes.kill_coordinator(campaign, cluster, random)
                )
            result = scene.judge(campaign)
        result.notes = dict(cluster.kills)
        return result


SCENES: Mapping[str, Callable[[Scene], Result]] = {
    "processes": _processes,
    "broker": _broker,
    "network": _network,
    "late-endtxn": _late_end_txn,
    "clock": _clock,
    "full-disk": _full_disk,
    "cluster": _cluster,
}
