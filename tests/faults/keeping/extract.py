"""An extract that is short enough for a build's log: where the ids of the first violations were seen."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.faults.evidence import Violation

MOST_VIOLATIONS = 12
#: of one id: enough for a few lines of every file that may name it
MOST_LINES = 60
MOST_OF_A_FILE = 3
#: characters of a line: of its beginning, and on each side of what was looked for
HEAD, AROUND = 110, 130
#: of an event, of a content, of a referral, of a record
ID = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32,64}|[0-9A-Z]{4}(?:-[0-9A-Z]{4}){2}|[a-z.]+\.v\d+/\d+/\d+"
)


def write_extract(path: Path, folder: Path, violations: Sequence[Violation]) -> None:
    """Write the lines of logs, ledger, topics and tables that name what the first violations are about."""
    files = list(_files(folder))
    parts = []
    for violation in violations[:MOST_VIOLATIONS]:
        parts.append(f"== {violation.invariant.value} {violation.what}: {violation.subject}")
        for word in ID.findall(violation.subject)[:1]:
            parts += list(_mentions(folder, files, word))[:MOST_LINES]
    if len(violations) > MOST_VIOLATIONS:
        parts.append(f"== and {len(violations) - MOST_VIOLATIONS} more")
    path.write_text("\n".join(parts) + "\n")


def _files(folder: Path) -> Iterator[Path]:
    evidence = folder / "evidence"
    yield evidence / "ledger.jsonl"
    yield from sorted((evidence / "topics").glob("*.jsonl"))
    yield from sorted((evidence / "tables").glob("*.csv"))
    yield from sorted(folder.glob("*.log"))


def _mentions(folder: Path, files: Sequence[Path], word: str) -> Iterator[str]:
    for path in files:
        found = 0
        if not path.exists():
            continue
        with path.open(errors="replace") as lines:
            for line in lines:
                if word in line and found < MOST_OF_A_FILE:
                    found += 1
                    yield f"   {path.relative_to(folder)}: {_around(line.rstrip(), word)}"


def _around(line: str, word: str) -> str:
    at = line.index(word)
    begin, end = max(0, at - AROUND), at + len(word) + AROUND
    return line[:end] if begin <= HEAD else f"{line[:HEAD]} … {line[begin:end]}"
