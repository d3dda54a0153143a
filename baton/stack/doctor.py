"""Check what the stack needs and, when it runs, whether every part answers."""

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping

import psycopg
from confluent_kafka.admin import AdminClient
from pydantic import BaseModel

from baton.refusal import Refused
from baton.stack import control, registry
from baton.stack.lock import holder
from baton.stack.paths import StackHome
from baton.stack.ports import USUAL_PORTS, is_free, recall_ports
from baton.stack.postgres import refuse_unsafe
from baton.stack.services import says_ready
from baton.stack.state import PartRecord, PartState, StackRecord
from baton.stack.toolchain import JAVA_AT_LEAST, find_java, find_maven, java_version

ENOUGH_DISK = 2 * 1024**3
PYTHON_AT_LEAST = (3, 11)


class Finding(BaseModel):
    """One thing that was checked."""

    subject: str
    ok: bool
    says: str


def examine(home: StackHome, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Check one thing after the other."""
    yield _python()
    yield from _java()
    yield _disk(home)
    if holder(home.lock) is None:
        yield _ports(home)
        yield Finding(subject="stack", ok=True, says=f"none runs in {home.root}")
        return
    try:
        record = control.running(home)
    except Refused:
        yield Finding(subject="stack", ok=False, says="it is only just starting")
        return
    yield from _stack(record)


def _python() -> Finding:
    version = ".".join(str(number) for number in sys.version_info[:3])
    return Finding(subject="python", ok=sys.version_info >= PYTHON_AT_LEAST, says=version)


def _java() -> Iterator[Finding]:
    java, maven = find_java(), find_maven()
    missing = f"no Java {JAVA_AT_LEAST} or newer was found"
    yield Finding(subject="java", ok=bool(java), says=f"{java_version(java)} ({java})" if java else missing)
    yield Finding(subject="maven", ok=bool(maven), says=maven or "mvn is not on the path")


def _disk(home: StackHome) -> Finding:
    place = next(folder for folder in (home.root, *home.root.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    return Finding(subject="disk", ok=free >= ENOUGH_DISK, says=f"{free / 1024**3:.1f} GiB free below {place}")


def _ports(home: StackHome) -> Finding:
    wanted = {**USUAL_PORTS, **recall_ports(home.ports)}
    taken = {name: port for name, port in wanted.items() if not is_free(port)}
    listed = ", ".join(f"{name} {port}" for name, port in taken.items())
    says = f"taken: {listed}; others will be chosen" if taken else "all free"
    return Finding(subject="ports", ok=True, says=says)


def _stack(record: StackRecord) -> Iterator[Finding]:
    kafka = record.addresses.kafka_bootstrap_servers
    schemas = record.addresses.schema_registry_url
    yield _ask("broker", kafka, lambda: _broker(kafka))
    yield _ask("registry", schemas, lambda: registry.token_of(schemas) is not None)
    yield _ask("database", "durable", lambda: _database(record.addresses.database_url))
    for part in record.parts:
        yield _part(part)


def _part(part: PartRecord) -> Finding:
    title = f"{part.name} {part.slot}"
    port = part.metrics_port
    says = f"{part.state}, {part.restarts} restarts"
    if port is None or part.state is not PartState.RUNNING:
        return Finding(subject=title, ok=part.state is PartState.RUNNING, says=says)
    return _ask(title, says, lambda: says_ready(port))


def _ask(subject: str, says: str, question: Callable[[], bool]) -> Finding:
    try:
        ok = question()
    except Exception as error:  # noqa: BLE001 - a doctor reports what is wrong instead of falling over it
        return Finding(subject=subject, ok=False, says=f"{says}: {error}")
    return Finding(subject=subject, ok=ok, says=says if ok else f"{says}: it does not answer as it should")


def _broker(bootstrap_servers: str) -> bool:
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    return bool(admin.list_topics(timeout=5).brokers)


def _database(address: str) -> bool:
    with psycopg.connect(address, connect_timeout=3) as connection:
        refuse_unsafe(connection)
    return True
