"""Facts as JSON, one a line, so that they can be searched for an id."""

import json
from collections.abc import Iterable
from dataclasses import asdict, is_dataclass
from pathlib import Path


def write_lines(path: Path, facts: Iterable[object]) -> None:
    """Write facts to a file, one a line."""
    with path.open("w") as file:
        for fact in facts:
            file.write(as_line(fact) + "\n")


def as_line(fact: object) -> str:
    """Return a fact as one line of JSON; a dataclass says its name."""
    if is_dataclass(fact) and not isinstance(fact, type):
        fact = {"what": type(fact).__name__} | asdict(fact)
    return json.dumps(fact, default=str, ensure_ascii=False)
