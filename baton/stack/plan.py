"""Put one stack together: which parts are embedded, which are real ones elsewhere, and who gets what."""

from collections.abc import Awaitable, Callable, Mapping, Set
from dataclasses import dataclass, replace
from pathlib import Path

from baton.stack import kafka, postgres, registry
from baton.stack.addresses import Addresses
from baton.stack.downloads import Downloads, downloads_in, fetch
from baton.stack.kafka import Broker, Relayed
from baton.stack.part import Part
from baton.stack.paths import StackHome
from baton.stack.ports import HOST, SERVICE_PORTS, USUAL_PORTS, HeldPorts, hold_ports
from baton.stack.postgres import Database, find_programs
from baton.stack.registry import Registry
from baton.stack.services import Scope, preparation_steps, service_parts, slots, system_environment
from baton.stack.supervisor import Plan
from baton.stack.toolchain import Toolchain

FIRST_METRICS_PORT = 9400
#: The parts a real one elsewhere can replace, by the variable that says where it is.
REPLACEABLE: Mapping[str, str] = {
    "KAFKA_BOOTSTRAP_SERVERS": kafka.NAME,
    "SCHEMA_REGISTRY_URL": registry.NAME,
    "DATABASE_URL": postgres.NAME,
}
JAVA_PARTS = frozenset({"KAFKA_BOOTSTRAP_SERVERS", "SCHEMA_REGISTRY_URL"})


@dataclass(frozen=True)
class Site:
    """Where and with what a stack runs."""

    home: StackHome
    cache: Path
    environment: Mapping[str, str]
    tools: Toolchain

    @property
    def downloads(self) -> Downloads:
        return downloads_in(self.cache)


def needs_java(environment: Mapping[str, str]) -> bool:
    """Tell whether any Java part is embedded."""
    return any(not environment.get(name) for name in JAVA_PARTS)


def take_ports(site: Site, scope: Scope, *, avoid: Set[int] = frozenset()) -> HeldPorts:
    """Choose and hold the ports of a stack; the caller holds the home's lock.

    Raises:
        NoFreePort: there are not enough.
    """
    return hold_ports(site.home.ports, _usual_ports(site, scope), avoid=avoid)


def make_plan(site: Site, scope: Scope, ports: Mapping[str, int]) -> Plan:
    """Describe every process of a stack that uses these ports."""
    embedded = _embedded(site, ports)
    addresses = _addresses(site, ports, embedded, scope)
    return Plan(
        addresses=addresses,
        infrastructure=tuple(part for _, part in embedded.values()),
        preparation=preparation_steps(scope, addresses, site.home, site.environment),
        services=service_parts(scope, addresses, site.home, site.environment, ports),
    )


def _usual_ports(site: Site, scope: Scope) -> dict[str, int]:
    wanted = set(USUAL_PORTS) if scope.services else set(USUAL_PORTS) - SERVICE_PORTS
    for variable, part in REPLACEABLE.items():
        if site.environment.get(variable):
            wanted -= {name for name in wanted if name.startswith(part)}
    metrics = {title: FIRST_METRICS_PORT + index for index, (_, _, title) in enumerate(slots(scope))}
    return {**{name: port for name, port in USUAL_PORTS.items() if name in wanted}, **metrics}


def _embedded(site: Site, ports: Mapping[str, int]) -> dict[str, tuple[str, Part]]:
    makers = {
        "DATABASE_URL": _database,
        "KAFKA_BOOTSTRAP_SERVERS": _broker,
        "SCHEMA_REGISTRY_URL": _registry,
    }
    return {name: make(site, ports) for name, make in makers.items() if not site.environment.get(name)}


def _addresses(
    site: Site, ports: Mapping[str, int], embedded: Mapping[str, tuple[str, Part]], scope: Scope
) -> Addresses:
    here = {name: address for name, (address, _) in embedded.items()}
    where = {name: here.get(name) or site.environment[name] for name in REPLACEABLE}
    addresses = Addresses(
        kafka_bootstrap_servers=where["KAFKA_BOOTSTRAP_SERVERS"],
        schema_registry_url=where["SCHEMA_REGISTRY_URL"],
        database_url=where["DATABASE_URL"],
        document_store=str(site.home.documents),
        drop_folder=str(site.home.inbox),
    )
    if not scope.services:
        return addresses
    return addresses.model_copy(
        update={
            "intake_url": f"http://{HOST}:{ports['intake']}",
            "board_url": f"http://{HOST}:{ports['board']}",
            "mllp_address": f"{HOST}:{ports['mllp']}",
        }
    )


def _broker(site: Site, ports: Mapping[str, int]) -> tuple[str, Part]:
    broker = Broker(
        java=site.tools.java,
        jars=site.downloads.kafka,
        data=site.home.kafka,
        log=site.home.log_of(kafka.NAME),
        port=ports["kafka"],
        controller_port=ports["kafka-controller"],
        temporary=site.home.temporary,
        environment=system_environment(site.environment),
        relayed=Relayed.read(site.environment.get("KAFKA_RELAYED", "")),
    )
    return broker.address, _after_download(site, broker.part())


def _registry(site: Site, ports: Mapping[str, int]) -> tuple[str, Part]:
    schemas = Registry(
        java=site.tools.java,
        program=site.downloads.registry,
        data=site.home.registry,
        log=site.home.log_of(registry.NAME),
        port=ports["registry"],
        temporary=site.home.temporary,
        environment=system_environment(site.environment),
    )
    return schemas.address, _after_download(site, schemas.part())


def _database(site: Site, ports: Mapping[str, int]) -> tuple[str, Part]:
    database = Database(
        programs=find_programs(),
        folder=site.home.postgres,
        log=site.home.log_of(postgres.NAME),
        port=ports["postgres"],
        environment=system_environment(site.environment),
    )
    return database.address, database.part()


def _after_download(site: Site, part: Part) -> Part:
    first: Callable[[], Awaitable[None]] = part.prepare

    async def prepare() -> None:
        log = site.home.log_of("maven")
        # Maven alone gets all of the caller's environment: proxies and mirrors are configured there.
        await fetch(site.downloads, maven=site.tools.maven, log=log, environment=dict(site.environment))
        await first()

    return replace(part, prepare=prepare)
