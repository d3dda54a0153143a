"""One deployment that has lived, for everything that compares its topics with its tables."""

from collections.abc import Iterator

import pytest

from baton.stack.addresses import Addresses
from runtime.settings import Environment, ServiceSettings
from tests.support.lived_world import LivedWorld, lived_world


@pytest.fixture(scope="session")
def world(stack: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivedWorld]:
    infrastructure = ServiceSettings(
        kafka_bootstrap_servers=stack.kafka_bootstrap_servers,
        schema_registry_url=stack.schema_registry_url,
        database_url=stack.database_url,
        baton_environment=Environment.TEST,
    )
    with lived_world(infrastructure, tmp_path_factory.mktemp("lived")) as lived:
        yield lived
