"""One running Baton for all acceptance tests of a run, and what a person does with it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from baton.sandbox import Sandbox
from baton.stack.addresses import Addresses
from runtime.settings import Environment, ServiceSettings
from tests.support.clinic import Clinic

PIPELINE = ("channels", "intake", "matcher", "stager", "board")
EVERYTHING = (*PIPELINE, "sla", "sla-firing", "sla-windows", "courier")


@pytest.fixture(scope="session")
def infrastructure(stack: Addresses) -> ServiceSettings:
    return ServiceSettings(
        kafka_bootstrap_servers=stack.kafka_bootstrap_servers,
        schema_registry_url=stack.schema_registry_url,
        database_url=stack.database_url,
        baton_environment=Environment.TEST,
    )


@pytest.fixture(scope="session")
def sandbox(infrastructure: ServiceSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(infrastructure, tmp_path_factory.mktemp("acceptance")) as running:
        running.start(*PIPELINE)
        yield running


@pytest.fixture
def clinic(sandbox: Sandbox) -> Iterator[Clinic]:
    with Clinic(sandbox) as open_clinic:
        yield open_clinic


@pytest.fixture
def clock_file(tmp_path: Path) -> Path:
    return tmp_path / "clock"
