"""Look for the canary where no patient may be named."""

import urllib.request
from collections.abc import Iterable, Sequence
from pathlib import Path

from baton.sandbox import Sandbox
from baton.stack.ports import HOST
from tests.faults.canary import names_a_patient
from tests.faults.snapshot import places_with_names


def in_metrics(sandbox: Sandbox, names: Sequence[str]) -> tuple[str, ...]:
    """Return the processes whose metrics name a patient."""
    return tuple(f"metrics of {name}" for name in names if names_a_patient(_metrics(sandbox.port(f"metrics-{name}"))))


def in_files(paths: Iterable[Path]) -> tuple[str, ...]:
    """Return the files that name a patient."""
    return tuple(path.name for path in paths if path.exists() and names_a_patient(path.read_bytes()))


def in_tables(database_url: str) -> tuple[str, ...]:
    """Return the tables whose plain columns name a patient."""
    return tuple(places_with_names(database_url))


def _metrics(port: int) -> bytes:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=30) as reply:
            return bytes(reply.read())
    except OSError:
        return b""
