"""The real broker, registry and database every integration test of a run shares."""

import os
import secrets
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from confluent_kafka.admin import AdminClient
from hypothesis import settings
from psycopg import sql

from baton.stack.addresses import Addresses
from baton.stack.embedded import EmbeddedStack
from baton.stack.paths import StackHome

# where a change lands, the same examples are drawn each time; at a desk new ones are
settings.register_profile("landing", derandomize=True, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("landing")

VARIABLES = ("KAFKA_BOOTSTRAP_SERVERS", "SCHEMA_REGISTRY_URL", "DATABASE_URL")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    if all(os.environ.get(name) for name in VARIABLES):
        yield Addresses.model_validate({name.lower(): os.environ[name] for name in VARIABLES})
        return
    with EmbeddedStack(StackHome(tmp_path_factory.mktemp("stack"))) as addresses:
        yield addresses


@pytest.fixture
def topic_prefix(stack: Addresses) -> Iterator[str]:
    """A prefix for topics and groups that no other test uses; its topics are deleted afterwards."""
    prefix = f"t{secrets.token_hex(3)}."
    yield prefix
    admin = AdminClient({"bootstrap.servers": stack.kafka_bootstrap_servers})
    if mine := [topic for topic in admin.list_topics(timeout=10).topics if topic.startswith(prefix)]:
        for deleted in admin.delete_topics(mine).values():
            deleted.result(timeout=10)


@pytest.fixture
def database_url(stack: Addresses) -> Iterator[str]:
    """A fresh database that is dropped afterwards."""
    name = f"t{secrets.token_hex(6)}"
    identifier = sql.Identifier(name)
    with psycopg.connect(stack.database_url, autocommit=True) as owner:
        owner.execute(sql.SQL("create database {}").format(identifier))
        yield address_of(stack.database_url, name)
        owner.execute(sql.SQL("drop database {} with (force)").format(identifier))


def address_of(address: str, database: str) -> str:
    """Point a database address at another database of the same server."""
    return urlsplit(address)._replace(path=f"/{database}").geturl()
