"""Who listens on a port of this machine, for the person whose service finds it taken."""

import contextlib
import errno
import pwd
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil

LISTENING = "0A"
TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


class PortTaken(Exception):
    """A port that this process was told to listen on belongs to somebody else."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is taken by {occupant(port) or 'a program that is gone by now'}")


@contextlib.contextmanager
def naming_the_occupant(port: int) -> Iterator[None]:
    """Turn "address in use" into a sentence that says whose it is.

    Raises:
        PortTaken: the port is in use.
    """
    try:
        yield
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortTaken(port) from None


def listening_socket(host: str, port: int) -> socket.socket:
    """Listen on a port, or say who does; port 0 takes a free one.

    Raises:
        PortTaken: somebody else listens there.
    """
    with naming_the_occupant(port):
        return socket.create_server((host, port))


def occupant(port: int) -> str | None:
    """Describe who listens on a port, or nobody; whose process it is, the kernel tells to root and its owner alone."""
    user = _owner(port)
    if user is None:
        return None
    process = _process(port)
    return f"{process} of user {user}" if process else f"a program of user {user}"


def _owner(port: int) -> str | None:
    for table in TABLES:
        with contextlib.suppress(FileNotFoundError):
            for row in table.read_text().splitlines()[1:]:
                _, local, _, state, _, _, _, uid, *_ = row.split()
                if state == LISTENING and int(local.rpartition(":")[2], 16) == port:
                    return _user_name(int(uid))
    return None


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _process(port: int) -> str | None:
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and getattr(connection.laddr, "port", None) == port
            if listens and connection.pid is not None:
                return f"process {connection.pid} ({psutil.Process(connection.pid).name()})"
    return None
