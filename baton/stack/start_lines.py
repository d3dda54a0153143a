"""What a person is told when a stack has come up: every address, what is behind it, and what to do next."""

import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from baton.stack.addresses import Addresses
from baton.stack.plan import FIRST_METRICS_PORT
from baton.stack.ports import HOST, USUAL_PORTS
from baton.stack.state import StackRecord

WIDTH = 80
NAME_WIDTH = 10
ADDRESS_WIDTH = 24
NEXT: Mapping[str, str] = {
    "baton send FILE --wait 10": "hand a referral in through its door",
    'baton status "Bellini"': "where is it, who owns the next step",
    "baton ps": "every process, its state and its lag",
    "baton doctor": "does every part answer as it should?",
    "baton env": "all addresses, for other programs",
    "baton up --detach": "start it without staying at the terminal",
    "baton down": "end it; so does Ctrl-C where it was started",
}


def start_lines(record: StackRecord, ports: Mapping[str, int], environment: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines, none longer than a terminal unless a path or an address of somebody else's is."""
    yield from _addresses(record.addresses)
    yield from _metrics(record)
    if moved := _moved(ports):
        yield from _wrapped("moved", f"the usual ports were taken: {', '.join(moved)}")
    if environment.get("BATON_ENVIRONMENT") != "production":
        yield from _wrapped("staff", f"{', '.join(demo_staff())}: say who asks by --as")
    if shutil.which("baton") is None:
        yield _line("first", f". {_near(Path(sys.prefix))}/bin/activate")
    for number, (command, what) in enumerate(NEXT.items()):
        yield _line("" if number else "next", f"{command:26} {what}")


def demo_staff() -> list[str]:
    """Name each person of the synthetic network, with the work the person does."""
    from baton.directory.document import DEFAULT_FILE, read_directory

    people = (person for network in read_directory(DEFAULT_FILE).networks for person in network.staff)
    return [f"{person.user_id} ({(*person.teams, person.role)[0].replace('_', ' ')})" for person in people]


def _addresses(addresses: Addresses) -> Iterator[str]:
    database = urlsplit(addresses.database_url)
    known = (
        ("board", addresses.board_url, "start page; the API is below /api"),
        ("intake", addresses.intake_url, "its endpoints; how to hand in"),
        ("HL7", addresses.mllp_address, "HL7 v2 over MLLP"),
        ("broker", addresses.kafka_bootstrap_servers, "Kafka"),
        ("database", database.netloc.rpartition("@")[2], "Postgres; `baton env` has its password"),
    )
    for name, address, what in known:
        if address:
            yield _line(name, f"{address:{ADDRESS_WIDTH}} {what}")
    yield _line("registry", f"{addresses.schema_registry_url}/subjects")
    yield _line("folder", f"{_near(Path(addresses.drop_folder))}  (a file in its fax/ is a fax)")


def _metrics(record: StackRecord) -> Iterator[str]:
    watched = [f"http://{HOST}:{part.metrics_port} {part.title}" for part in record.parts if part.metrics_port]
    for first in range(0, len(watched), 2):
        yield _line("" if first else "metrics", "".join(f"{one:35}" for one in watched[first : first + 2]).rstrip())


def _moved(ports: Mapping[str, int]) -> list[str]:
    moved = [
        f"{name} {ports[name]} instead of {usual}"
        for name, usual in USUAL_PORTS.items()
        if usual != ports.get(name, usual)
    ]
    watched = [port for name, port in ports.items() if name not in USUAL_PORTS]
    others = [port for number, port in enumerate(watched) if port != FIRST_METRICS_PORT + number]
    return [*moved, *([f"metrics {others[0]} and on instead of {FIRST_METRICS_PORT} and on"] if others else [])]


def _line(name: str, words: str) -> str:
    return f"{name:{NAME_WIDTH}}{words}"


def _wrapped(name: str, words: str) -> list[str]:
    return textwrap.wrap(
        words,
        WIDTH,
        initial_indent=_line(name, ""),
        subsequent_indent=_line("", ""),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _near(path: Path) -> str:
    """Return the shorter name of a path: from the working folder, when it lies below that."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
