"""The processes of the product: which module, how many, and what each needs."""

import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from baton.stack.addresses import Addresses
from baton.stack.part import ANSWERS_WITHIN_S, Part, new_token
from baton.stack.paths import StackHome
from baton.stack.ports import HOST
from baton.stack.process import Command
from runtime.health import PROCESS_HEADER


class Needs(StrEnum):
    """What a process gets beyond the addresses every process gets."""

    INTAKE_PORTS = "intake ports"
    BOARD_PORT = "board port"


@dataclass(frozen=True)
class Service:
    """One row of the table: a module that runs as one or several processes."""

    name: str
    module: str
    #: A consumer of topics: runs as often as `--replicas` says, and has a lag.
    scales: bool = True
    needs: Needs | None = None


SERVICES: tuple[Service, ...] = (
    Service("channels", "services.intake.channels", scales=False, needs=Needs.INTAKE_PORTS),
    Service("intake", "services.intake"),
    Service("matcher", "services.matcher"),
    Service("stager", "services.stager"),
    Service("sla", "services.sla"),
    Service("sla-firing", "services.sla.firing", scales=False),
    Service("sla-windows", "services.sla.windows", scales=False),
    Service("courier", "services.courier"),
    Service("board", "services.board", scales=False, needs=Needs.BOARD_PORT),
)

#: Done in this order when the infrastructure is up and before the services start: `python -m baton ...`.
PREPARATION: tuple[tuple[str, ...], ...] = (("topics", "apply"), ("migrate",), ("directory", "load"))
#: The synthetic network and its staff; real ones are loaded by hand.
NOT_IN_PRODUCTION = (("directory", "load"),)


@dataclass(frozen=True)
class Scope:
    """How much of the product a stack runs."""

    services: tuple[Service, ...] = SERVICES
    preparation: tuple[tuple[str, ...], ...] = PREPARATION
    replicas: int = 1


INFRASTRUCTURE_ONLY = Scope(services=(), preparation=())

#: What a person may set for the services, passed on as it is.
PASSED_ON = frozenset(
    [
        "BATCH_SIZE",
        "BATCH_WAIT_MS",
        "BATON_ENVIRONMENT",
        "CLOCK",
        "FAILPOINT",
        "LOG_LEVEL",
        "SECRETS_FOLDER",
        "TOPIC_PARTITIONS",
        "TOPIC_PREFIX",
        "TOPIC_REPLICATION",
        "WATCHDOG_S",
    ]
)
PASSED_ON_PREFIXES = (
    *("INTAKE_", "MATCHER_", "STAGER_", "SLA_", "COURIER_", "BOARD_"),
    *("IMAP_", "MLLP_", "DROP_", "DEFAULT_"),
    *("SMTP_", "WEBHOOK_", "DEMO_", "OTEL_"),
)
#: What any program needs of the environment it was started in.
SYSTEM = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "JAVA_HOME", "PYTHONPATH", "VIRTUAL_ENV")
#: Settings that say where a process listens.
LISTENING = ("METRICS_PORT", "INTAKE_HTTP_PORT", "MLLP_PORT", "BOARD_HTTP_PORT")
DEFAULTS: Mapping[str, str] = {"TOPIC_PREFIX": "", "BATON_ENVIRONMENT": "dev", "LOG_LEVEL": "INFO"}


def system_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Keep only what a program of the stack needs to run at all: no secret of the caller's leaks into it."""
    return {name: environment[name] for name in SYSTEM if name in environment}


def settings_passed_on(environment: Mapping[str, str]) -> dict[str, str]:
    """Choose the settings of the caller that reach every service."""
    chosen = {
        name: value for name, value in environment.items() if name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)
    }
    return {**DEFAULTS, **chosen}


def slots(scope: Scope) -> Iterator[tuple[Service, int, str]]:
    """List every process of the services: its row, its slot, its title."""
    for service in scope.services:
        for slot in range(scope.replicas if service.scales else 1):
            yield service, slot, f"{service.name}.{slot}"


def preparation_steps(
    scope: Scope, addresses: Addresses, home: StackHome, caller: Mapping[str, str]
) -> tuple[Command, ...]:
    """Describe the commands that run before the services."""
    environment = _shared_environment(addresses, home, caller)
    return tuple(
        Command(
            (sys.executable, "-m", "baton", *words),
            log=home.log_of("-".join(words)),
            environment={**environment, "BATON_HOME": str(home.root)},
        )
        for words in scope.preparation
        if not (words in NOT_IN_PRODUCTION and environment["BATON_ENVIRONMENT"] == "production")
    )


def service_parts(
    scope: Scope, addresses: Addresses, home: StackHome, caller: Mapping[str, str], ports: Mapping[str, int]
) -> tuple[Part, ...]:
    """Describe every process of the services."""
    shared = _shared_environment(addresses, home, caller)
    return tuple(
        _part(service, slot, home, {**shared, **_own_environment(service, slot, addresses, ports, title)})
        for service, slot, title in slots(scope)
    )


def _part(service: Service, slot: int, home: StackHome, environment: Mapping[str, str]) -> Part:
    metrics_port, token = int(environment["METRICS_PORT"]), new_token()
    ports = tuple(int(environment[name]) for name in LISTENING if name in environment)
    environment = {**environment, "PROCESS_TOKEN": token}
    title = f"{service.name}-{slot}" if slot else service.name
    return Part(
        name=service.name,
        slot=slot,
        command=Command((sys.executable, "-m", service.module), log=home.log_of(title), environment=environment),
        is_ready=lambda: says_ready(metrics_port, token),
        ports=ports,
        metrics_port=metrics_port,
        group=f"{environment['TOPIC_PREFIX']}{service.name}" if service.scales else None,
    )


def says_ready(metrics_port: int, token: str | None = None) -> bool:
    """Ask a service whether it is ready; with a token, an answer that does not carry it is another process's "no".

    Raises:
        OSError: it does not answer.
    """
    try:
        with urllib.request.urlopen(f"http://{HOST}:{metrics_port}/ready", timeout=ANSWERS_WITHIN_S) as reply:
            return token in (None, reply.headers.get(PROCESS_HEADER))
    except urllib.error.HTTPError:
        return False


def _shared_environment(addresses: Addresses, home: StackHome, caller: Mapping[str, str]) -> dict[str, str]:
    own = {"TMPDIR": str(home.temporary), **addresses.as_environment()}
    return {**system_environment(caller), **settings_passed_on(caller), **own}


def _own_environment(
    service: Service, slot: int, addresses: Addresses, ports: Mapping[str, int], title: str
) -> dict[str, str]:
    own = {"INSTANCE": str(slot), "METRICS_PORT": str(ports[title])}
    match service.needs:
        case Needs.INTAKE_PORTS:
            own["INTAKE_HTTP_PORT"] = str(ports["intake"])
            own["MLLP_PORT"] = str(ports["mllp"])
            own["DROP_FOLDER"] = addresses.drop_folder
        case Needs.BOARD_PORT:
            own["BOARD_HTTP_PORT"] = str(ports["board"])
        case None:
            pass
    return own
