from pathlib import Path

import pytest

from baton.stack.paths import StackHome
from baton.stack.plan import Site, make_plan, needs_java, take_ports
from baton.stack.ports import recall_ports
from baton.stack.services import INFRASTRUCTURE_ONLY, Scope
from baton.stack.supervisor import Plan
from baton.stack.toolchain import Toolchain

REAL = {
    "KAFKA_BOOTSTRAP_SERVERS": "kafka.example:9092",
    "SCHEMA_REGISTRY_URL": "http://registry.example",
    "DATABASE_URL": "postgresql://db.example/baton",
}


@pytest.fixture
def home(tmp_path: Path) -> StackHome:
    home = StackHome(tmp_path / "home")
    home.create()
    return home


def site(home: StackHome, environment: dict[str, str]) -> Site:
    tools = Toolchain(java="java", maven="mvn")
    return Site(home=home, cache=home.root.parent / "cache", environment=environment, tools=tools)


def plan_of(home: StackHome, environment: dict[str, str], scope: Scope) -> Plan:
    where = site(home, environment)
    with take_ports(where, scope) as ports:
        return make_plan(where, scope, ports.numbers)


def test_everything_is_embedded_when_nothing_is_named(home: StackHome) -> None:
    plan = plan_of(home, {}, INFRASTRUCTURE_ONLY)

    assert [part.name for part in plan.infrastructure] == ["postgres", "kafka", "registry"]
    assert set(recall_ports(home.ports)) == {"kafka", "kafka-controller", "registry", "postgres"}


@pytest.mark.parametrize(
    ("variable", "left"),
    [
        ("KAFKA_BOOTSTRAP_SERVERS", ["postgres", "registry"]),
        ("SCHEMA_REGISTRY_URL", ["postgres", "kafka"]),
        ("DATABASE_URL", ["kafka", "registry"]),
    ],
)
def test_each_part_is_replaced_by_a_real_one(home: StackHome, variable: str, left: list[str]) -> None:
    plan = plan_of(home, {variable: REAL[variable]}, INFRASTRUCTURE_ONLY)

    assert [part.name for part in plan.infrastructure] == left
    assert plan.addresses.as_environment()[variable] == REAL[variable]


def test_services_on_real_parts_get_their_addresses(home: StackHome) -> None:
    plan = plan_of(home, REAL, Scope(replicas=2))

    assert plan.infrastructure == ()
    assert not needs_java(REAL)
    for process in (*(part.command for part in plan.services), *plan.preparation):
        assert {name: process.environment[name] for name in REAL} == REAL


def test_one_real_java_part_still_needs_java_for_the_other() -> None:
    assert needs_java({"SCHEMA_REGISTRY_URL": REAL["SCHEMA_REGISTRY_URL"]})
