"""What docker-compose.yml tells the parts is understood by them: the same programs and files, without an engine."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from baton.stack.addresses import Addresses
from baton.stack.downloads import downloads_in
from baton.stack.paths import DEPLOYMENT, REPOSITORY, cache_from
from baton.stack.ports import free_port
from baton.stack.postgres import find_programs
from baton.stack.registry import CONFLUENT_API, MAIN_CLASS
from baton.stack.services import SERVICES
from baton.stack.toolchain import ensure_toolchain
from tests.conftest import address_of
from tests.support.composition import environment_of, folders_of_image, mount_secrets, parts
from tests.support.waiting import eventually

JARS = downloads_in(cache_from(os.environ))
SCHEMA = {"schema": json.dumps({"type": "record", "name": "A", "fields": []})}
PYTHON = str(Path(sys.executable).parent)


def test_broker_image_reads_settings_and_formats_once(tmp_path: Path) -> None:
    mounted, made = tmp_path / "mounted", tmp_path / "made"
    for folder in (mounted, made):
        folder.mkdir()
    shutil.copy(DEPLOYMENT / "broker.properties", mounted / "server.properties")
    environment = {**environment_of("kafka"), "KAFKA_LOG_DIRS": str(tmp_path / "records")}

    first, again = (_set_up_broker(mounted, made, environment) for _ in range(2))

    assert first.returncode == 0, first.stdout
    # the image takes this failure for success
    assert again.returncode != 0 and "already formatted" in again.stdout
    assert f"cluster.id={environment['CLUSTER_ID']}\n" in (tmp_path / "records" / "meta.properties").read_text()
    settings = _properties(made / "server.properties")
    assert settings["advertised.listeners"] == "BROKER://kafka:9092"
    assert _properties(DEPLOYMENT / "broker.properties").items() <= settings.items()


@pytest.fixture
def server(stack: Addresses) -> Iterator[dict[str, str]]:
    """Let a program of the database reach the running server as the image's scripts reach theirs."""
    address = urlsplit(stack.database_url)
    yield {
        "PATH": f"{find_programs()}:{os.environ['PATH']}",
        "PGHOST": address.hostname or "",
        "PGPORT": str(address.port),
        "PGPASSWORD": address.password or "",
        "POSTGRES_USER": address.username or "",
        "POSTGRES_DB": "postgres",
    }
    with psycopg.connect(stack.database_url, autocommit=True) as owner:
        owner.execute("DROP DATABASE IF EXISTS registry WITH (FORCE)")
        owner.execute("DROP ROLE IF EXISTS registry")


def test_registry_keeps_the_ids_it_has_given(stack: Addresses, server: Mapping[str, str], tmp_path: Path) -> None:
    secrets = mount_secrets("registry", tmp_path)
    script = (REPOSITORY / "deploy" / "postgres" / "registry.sh").read_text().replace("/run/secrets", str(secrets))
    subprocess.run(["sh", "-c", script], env=server, check=True, capture_output=True)

    with _registry(stack, secrets, tmp_path) as port:
        given = _register(port, "a")
    with _registry(stack, secrets, tmp_path) as port:
        assert _register(port, "a") == given
        assert _ask(port, f"/schemas/ids/{given}")["schema"]


def test_everything_of_the_product_starts_as_it_is_composed(
    stack: Addresses, database_url: str, topic_prefix: str, tmp_path: Path
) -> None:
    site = Site(stack, database_url, topic_prefix, tmp_path)
    prepared = site.run("prepare")
    assert prepared.wait(60) == 0, site.said("prepare")
    running = {service.name: site.run(service.name) for service in SERVICES}
    try:
        for name, process in running.items():
            eventually(partial(site.is_healthy, name), what=f"{name} to be healthy")
            assert process.poll() is None
        running["demo"] = site.run("demo")
        eventually(lambda: site.moves() > 0, what="a referral that staff of the demo moved")
    finally:
        for process in running.values():
            process.terminate()
    ends = {name: process.wait(120) for name, process in running.items()}
    # the board's web server ends by the signal itself
    assert {name: end for name, end in ends.items() if end not in (0, -signal.SIGTERM)} == {}


class Site:
    """Containers as processes of this machine: what they are told is kept, but for where things are."""

    def __init__(self, stack: Addresses, database_url: str, topic_prefix: str, folder: Path) -> None:
        self.folder = folder
        self.database_url = database_url
        self.ports = {
            name: free_port()
            for name in (*(service.name for service in SERVICES), "prepare", "demo", "8080", "8090", "2575")
        }
        self.moved = {
            "kafka:9092": stack.kafka_bootstrap_servers,
            "http://registry:8080/apis/ccompat/v7": stack.schema_registry_url,
            "http://board:8080": f"http://127.0.0.1:{self.ports['8080']}",
            "http://channels:8090": f"http://127.0.0.1:{self.ports['8090']}",
            "channels:2575": f"127.0.0.1:{self.ports['2575']}",
        }
        self.topic_prefix = topic_prefix
        for made in folders_of_image():
            Path(made.replace("/var/lib/baton", str(folder / "files"))).mkdir()

    def run(self, name: str) -> subprocess.Popen[bytes]:
        """Start a container's command."""
        secrets = mount_secrets(name, self.folder)
        (secrets / "database_url").chmod(0o644)
        (secrets / "database_url").write_text(self.database_url)
        with self._log(name).open("wb") as log:
            return subprocess.Popen(
                parts()[name]["command"], env=self.environment(name), cwd=REPOSITORY, stdout=log, stderr=log
            )

    def is_healthy(self, name: str) -> bool:
        """Run a container's health check."""
        check = subprocess.run(
            parts()[name]["healthcheck"]["test"][1:], env=self.environment(name), capture_output=True, check=False
        )
        return check.returncode == 0

    def environment(self, name: str) -> dict[str, str]:
        """Return a container's environment with the addresses and folders of this machine."""
        told = {variable: self.moved.get(value, value) for variable, value in environment_of(name).items()}
        told |= {"METRICS_PORT": str(self.ports[name]), "SECRETS_FOLDER": str(self.folder / name)}
        told |= {"INTAKE_HTTP_PORT": str(self.ports["8090"]), "MLLP_PORT": str(self.ports["2575"])}
        told |= {"BOARD_HTTP_PORT": str(self.ports["8080"]), "TOPIC_PREFIX": self.topic_prefix}
        for place in ("DOCUMENT_STORE", "DROP_FOLDER"):
            if place in told:
                told[place] = told[place].replace("/var/lib/baton", str(self.folder / "files"))
        return {"PATH": f"{PYTHON}:{os.environ['PATH']}", **told}

    def said(self, name: str) -> str:
        """Return what a container has written."""
        return self._log(name).read_text()[-2000:]

    def moves(self) -> int:
        """Count the steps that staff have taken."""
        with psycopg.connect(self.database_url) as connection:
            row = connection.execute("SELECT count(*) FROM stager.command").fetchone()
        return int(row[0]) if row else 0

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"


def _set_up_broker(mounted: Path, made: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    folders = ("--default-configs-dir", mounted, "--mounted-configs-dir", mounted, "--final-configs-dir", made)
    command = [_java(), "-cp", f"{JARS.kafka}/*", "kafka.docker.KafkaDockerWrapper", "setup", *map(str, folders)]
    return subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def _properties(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w.]+)=(.*)$", path.read_text(), re.MULTILINE))


@contextmanager
def _registry(stack: Addresses, secrets: Path, folder: Path) -> Iterator[int]:
    port = free_port()
    environment = environment_of("registry") | {
        "APICURIO_DATASOURCE_URL": "jdbc:postgresql://" + address_of(stack.database_url, "registry").rpartition("@")[2],
        "QUARKUS_CONFIG_LOCATIONS": str(secrets / "registry.properties"),
        "QUARKUS_HTTP_PORT": str(port),
    }
    check = [word.replace("/8080", f"/{port}") for word in parts()["registry"]["healthcheck"]["test"][1:]]
    command = [_java(), "-cp", f"{JARS.registry}/*", MAIN_CLASS]
    with (folder / "registry.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
    try:
        eventually(
            lambda: subprocess.run(check, capture_output=True, check=False).returncode == 0,
            what="the registry",
        )
        yield port
    finally:
        process.terminate()
        process.wait(120)


def _register(port: int, subject: str) -> int:
    return int(_ask(port, f"/subjects/{subject}/versions", json.dumps(SCHEMA).encode())["id"])


def _ask(port: int, path: str, body: bytes | None = None) -> dict[str, str]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{CONFLUENT_API}{path}", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=120) as reply:
        answer: dict[str, str] = json.load(reply)
    return answer


def _java() -> str:
    return ensure_toolchain(lambda _: None).java
