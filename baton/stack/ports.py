"""Which ports a stack uses: the usual ones when free, else others; held from the choice to the stack's end."""

import contextlib
import json
import socket
from collections.abc import Mapping, Set
from pathlib import Path
from types import TracebackType

from baton.stack.files import write_atomically

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


class HeldPort:
    """A port that is kept for one process of this stack, whether that runs or is just being started again.

    Two sockets keep it. One is bound and never listens: other programs cannot take the port and the kernel hands it
    to no outgoing connection, while a server of ours, which asks to reuse the address, can listen. The other is a
    name that all stacks of the machine know, whoever runs them; the kernel forgets both with their process.
    """

    def __init__(self, number: int) -> None:
        """Take the port.

        Raises:
            OSError: it is somebody else's.
        """
        self._name = socket.socket(socket.AF_UNIX)
        self._bound = socket.socket()
        try:
            self._bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._bound.bind((HOST, number))
            self.number = int(self._bound.getsockname()[1])
            self._name.bind(f"\0baton-port-{self.number}")
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Give the port up."""
        self._name.close()
        self._bound.close()


class HeldPorts:
    """The ports of one stack, by name."""

    def __init__(self, ports: Mapping[str, HeldPort]) -> None:
        self._ports = dict(ports)

    @property
    def numbers(self) -> dict[str, int]:
        """Return the number of each port."""
        return {name: port.number for name, port in self._ports.items()}

    def close(self) -> None:
        """Give all of them up."""
        for port in self._ports.values():
            port.close()

    def __enter__(self) -> "HeldPorts":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def hold_ports(memory: Path, usual: Mapping[str, int], *, avoid: Set[int] = frozenset()) -> HeldPorts:
    """Take a port for each name: that of the last time, else the usual one, else one near it; note the choice.

    Raises:
        NoFreePort: there is none.
    """
    remembered = recall_ports(memory)
    with contextlib.ExitStack() as taken:
        held: dict[str, HeldPort] = {}
        for name, port in usual.items():
            held[name] = _first_free(remembered.get(name), port, avoid)
            taken.callback(held[name].close)
        write_atomically(memory, json.dumps({name: port.number for name, port in held.items()}, indent=1))
        taken.pop_all()
    return HeldPorts(held)


def recall_ports(memory: Path) -> dict[str, int]:
    """Read the ports chosen last time."""
    try:
        ports: dict[str, int] = json.loads(memory.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return ports


def free_port() -> int:
    """Find a port that nobody uses now; whoever has to keep it takes a `HeldPort`."""
    port = HeldPort(0)
    port.close()
    return port.number


def is_free(port: int) -> bool:
    """Tell whether a stack could take this port now."""
    try:
        HeldPort(port).close()
    except OSError:
        return False
    return True


def _first_free(remembered: int | None, usual: int, avoid: Set[int]) -> HeldPort:
    others = range(usual + DISTANCE_TO_OTHERS, usual + DISTANCE_TO_OTHERS + OTHERS)
    for number in (remembered or usual, usual, *others):
        if number not in avoid:
            with contextlib.suppress(OSError):
                return HeldPort(number)
    raise NoFreePort(f"the port {usual} and all from {others.start} to {others.stop - 1} are taken")
