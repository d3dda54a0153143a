"""docker-compose.yml runs what the product is made of, with the settings it reads; no container engine is needed."""

import importlib.util
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from baton import demo
from baton.stack.paths import REPOSITORY
from baton.stack.ports import USUAL_PORTS
from baton.stack.services import PREPARATION, SERVICES
from runtime.settings import ServiceSettings
from services.board.settings import BoardSettings
from services.intake.settings import ChannelSettings
from tests.support.composition import SETTINGS, environment_of, mount_secrets, parts, secrets_of, settings_of

NAMES = tuple(service.name for service in SERVICES)
OURS = (*NAMES, "prepare", "demo")
OTHERS = ("kafka", "registry", "postgres", "prometheus")
#: read by runtime.settings.load_settings and baton.secret_files
SECRETS_FOLDER = "SECRETS_FOLDER"
#: where the other images listen unless told otherwise
PORTS_OF_OTHERS = {"registry": {8080}, "postgres": {5432}}


def test_every_container_is_known() -> None:
    assert set(parts()) == {*OURS, *OTHERS}
    assert set(SETTINGS) == set(NAMES)


@pytest.mark.parametrize("service", SERVICES, ids=NAMES)
def test_service_is_run_by_its_module(service: Any) -> None:
    assert parts()[service.name]["command"] == ["python", "-m", service.module]
    assert importlib.util.find_spec(service.module)


def test_preparation_is_that_of_the_embedded_stack() -> None:
    steps = " && ".join(" ".join(("python", "-m", "baton", *words)) for words in PREPARATION)

    assert parts()["prepare"]["command"] == ["sh", "-c", steps]


def test_demo_is_played_only_when_asked_for() -> None:
    assert {name for name, part in parts().items() if part.get("profiles")} == {"demo"}
    assert parts()["demo"]["command"] == ["python", "-m", "baton", "demo"]
    assert set(demo.NEEDED) <= {*environment_of("demo"), *map(str.upper, secrets_of("demo"))}


@pytest.mark.parametrize("name", NAMES)
def test_service_is_told_only_what_it_reads(name: str) -> None:
    read = {field.upper() for field in SETTINGS[name].model_fields}

    assert set(environment_of(name)) - {SECRETS_FOLDER} <= read
    assert {secret.upper() for secret in secrets_of(name)} <= read


@pytest.mark.parametrize("name", ["prepare", "demo"])
def test_command_is_told_only_what_it_reads(name: str) -> None:
    read = {field.upper() for field in ServiceSettings.model_fields} | set(demo.NEEDED) | {SECRETS_FOLDER}

    assert set(environment_of(name)) <= read


@pytest.mark.parametrize("name", NAMES)
def test_service_has_the_settings_it_requires(name: str, tmp_path: Path) -> None:
    settings = settings_of(name, tmp_path)

    assert settings.metrics_port == 9400
    assert settings.metrics_host == "0.0.0.0"


@pytest.mark.parametrize("name", NAMES)
def test_service_has_what_the_embedded_stack_gives_it(name: str) -> None:
    given = {"INSTANCE", "METRICS_PORT", "BATON_ENVIRONMENT", "LOG_LEVEL", "KAFKA_BOOTSTRAP_SERVERS"}
    given |= {"SCHEMA_REGISTRY_URL", "DATABASE_URL", "DOCUMENT_STORE", "DROP_FOLDER"}
    read = {field.upper() for field in SETTINGS[name].model_fields}

    assert given & read <= {*environment_of(name), *map(str.upper, secrets_of(name))}


def test_nothing_runs_twice_under_one_instance() -> None:
    assert {environment_of(name)["INSTANCE"] for name in NAMES} == {"0"}
    assert not [name for name, part in parts().items() if "scale" in part or "deploy" in part]


@pytest.mark.parametrize("name", OURS)
def test_addresses_lead_to_a_container_that_listens_there(name: str, tmp_path: Path) -> None:
    told = {**environment_of(name), "DATABASE_URL": (mount_secrets(name, tmp_path) / "database_url").read_text()}
    wanted = {"KAFKA_BOOTSTRAP_SERVERS", "SCHEMA_REGISTRY_URL", "DATABASE_URL", "BOARD_URL", "INTAKE_URL"}
    addresses = [_address(told[name]) for name in wanted | {"MLLP_ADDRESS"} if name in told]

    assert len(addresses) >= 3
    assert all(port in _listens_at(host, tmp_path) for host, port in addresses)


def test_ports_are_for_this_machine_alone(tmp_path: Path) -> None:
    published = {
        name: {(port["host_ip"], int(port["published"]), port["target"]) for port in part["ports"]}
        for name, part in parts().items()
        if part.get("ports")
    }
    intake, mllp, board = USUAL_PORTS["intake"], USUAL_PORTS["mllp"], USUAL_PORTS["board"]

    assert published == {
        "channels": {("127.0.0.1", intake, intake), ("127.0.0.1", mllp, mllp)},
        "board": {("127.0.0.1", board, board)},
        "prometheus": {("127.0.0.1", 9090, 9090)},
    }
    assert {intake, mllp} == _listens_at("channels", tmp_path)
    assert {board} == _listens_at("board", tmp_path)


@pytest.mark.parametrize(("name", "hosts"), [("channels", ("INTAKE_HTTP_HOST", "MLLP_HOST")), ("board", None)])
def test_published_services_listen_to_other_containers(name: str, hosts: tuple[str, ...] | None) -> None:
    for host in hosts or ("BOARD_HTTP_HOST",):
        assert environment_of(name)[host] == "0.0.0.0"


@pytest.mark.parametrize("name", [*NAMES, *OTHERS])
def test_every_lasting_container_has_a_health_check(name: str) -> None:
    check = parts()[name]["healthcheck"]

    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries", "start_period"} <= set(check)


@pytest.mark.parametrize("name", NAMES)
def test_health_check_asks_whether_the_service_is_ready(name: str) -> None:
    program, option, script = parts()[name]["healthcheck"]["test"][1:]

    assert (program, option) == ("python", "-c")
    assert '"/ready"' in script
    assert set(re.findall(r'os\.environ\["(\w+)"\]', script)) == {"METRICS_PORT"}


def test_nothing_starts_before_what_it_needs() -> None:
    waits = {
        name: {other: wait["condition"] for other, wait in (part.get("depends_on") or {}).items()}
        for name, part in parts().items()
    }

    assert waits.pop("prepare") == dict.fromkeys(("kafka", "registry", "postgres"), "service_healthy")
    assert waits.pop("demo") == dict.fromkeys(("channels", "board"), "service_healthy")
    assert waits.pop("registry") == {"postgres": "service_healthy"}
    assert all(waits.pop(name) == {"prepare": "service_completed_successfully"} for name in NAMES)
    assert not any(waits.values())


@pytest.mark.parametrize("name", [*OURS, *OTHERS])
def test_container_has_no_right_it_does_not_need(name: str) -> None:
    part = parts()[name]

    assert part["cap_drop"] == ["ALL"]
    assert part["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "network_mode", "pid"} & set(part)


@pytest.mark.parametrize("name", OURS)
def test_our_containers_write_to_their_volume_and_to_memory_alone(name: str) -> None:
    part = parts()[name]

    assert part["read_only"] is True
    assert part["tmpfs"] == ["/tmp"]
    assert part["init"] is True
    assert "user" not in part


def test_prometheus_scrapes_every_service() -> None:
    config = (REPOSITORY / "deploy" / "prometheus" / "prometheus.yml").read_text()
    targets = dict(re.findall(r"- ([\w-]+):(\d+)", config))

    assert targets == {name: environment_of(name)["METRICS_PORT"] for name in NAMES}


def _address(told: str) -> tuple[str, int]:
    parsed = urlsplit(told.strip() if "://" in told else f"//{told}")
    assert parsed.hostname is not None and parsed.port is not None
    return parsed.hostname, parsed.port


def _listens_at(name: str, folder: Path) -> set[int]:
    if name == "kafka":
        return {int(port) for port in re.findall(r"BROKER://:(\d+)", environment_of("kafka")["KAFKA_LISTENERS"])}
    if name in PORTS_OF_OTHERS:
        return PORTS_OF_OTHERS[name]
    match settings_of(name, folder / os.urandom(4).hex()):
        case ChannelSettings() as doors:
            return {doors.intake_http_port, doors.mllp_port}
        case BoardSettings() as board:
            return {board.board_http_port}
    return set()
