"""Which ports a stack uses: the usual ones when free, else others, remembered from start to start."""

import contextlib
import fcntl
import json
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

from baton.stack.files import write_atomically
from baton.stack.lock import holder
from baton.stack.paths import StackHome

USUAL_PORTS: Mapping[str, int] = {
    "kafka": 9092,
    "kafka-controller": 9093,
    "registry": 8081,
    "postgres": 5432,
    "board": 8080,
    "intake": 8090,
    "mllp": 2575,
}
#: Those of them that only a stack with services needs.
SERVICE_PORTS = frozenset({"board", "intake", "mllp"})
HOST = "127.0.0.1"
#: Where to look when the usual port is taken: below the range the kernel hands to outgoing connections.
DISTANCE_TO_OTHERS = 10_000
OTHERS = 500


class NoFreePort(Exception):
    """No free port was found."""


def choose_ports(home: StackHome, cache: Path, usual: Mapping[str, int]) -> dict[str, int]:
    """Choose a port for each name and remember the choice.

    The caller holds the home's lock: stacks that start at the same moment see each other's choices.
    """
    with _claims(cache) as claims:
        taken = {port for root, ports in claims.items() if _is_other_stack(home, root) for port in ports}
        remembered = recall_ports(home)
        chosen: dict[str, int] = {}
        for name, port in usual.items():
            chosen[name] = _first_free(remembered.get(name), port, taken | set(chosen.values()))
        claims[str(home.root)] = sorted(chosen.values())
    write_atomically(home.ports, json.dumps(chosen, indent=1))
    return chosen


def recall_ports(home: StackHome) -> dict[str, int]:
    """Read the ports chosen last time."""
    try:
        ports: dict[str, int] = json.loads(home.ports.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return ports


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def _first_free(remembered: int | None, usual: int, taken: set[int]) -> int:
    others = range(usual + DISTANCE_TO_OTHERS, usual + DISTANCE_TO_OTHERS + OTHERS)
    candidates: list[int] = [usual, *others] if remembered is None else [remembered, usual, *others]
    for port in candidates:
        if port not in taken and is_free(port):
            return port
    raise NoFreePort(f"no free port near {usual}")


def _is_other_stack(home: StackHome, root: str) -> bool:
    return root != str(home.root) and holder(StackHome(Path(root)).lock) is not None


@contextlib.contextmanager
def _claims(cache: Path) -> Iterator[dict[str, list[int]]]:
    cache.mkdir(parents=True, exist_ok=True)
    book = cache / "ports.json"
    with (cache / "ports.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        claims: dict[str, list[int]] = {}
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            claims = json.loads(book.read_text())
        claims = {root: ports for root, ports in claims.items() if Path(root).is_dir()}
        yield claims
        write_atomically(book, json.dumps(claims, indent=1))
