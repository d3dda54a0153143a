"""Put each seeded bug into a copy of the tree and show what catches it: `python -m tests.faults.mutants`."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.faults.mutants.catalogue import MUTANTS, Mutant
from tests.faults.plans import is_stack_named, own_stack

ROOT = Path(__file__).resolve().parents[3]
TREE = ("schemas", "runtime", "services", "baton", "deploy", "tests")
FILES = ("pyproject.toml",)
WITHIN_S = 600.0
SOUND = "the sound tree"


class NotApplicable(Exception):
    """The text that a mutant replaces is not there exactly once; the mutant has to follow the code."""


def main(names: list[str]) -> int:
    """Try the mutants (all, or those whose names contain one of the words); 1 when one survives."""
    chosen = [m for m in MUTANTS if not names or any(word in m.name for word in names)]
    with own_stack(is_needed=not is_stack_named()):
        survivors = [SOUND] if not names and not _is_sound() else []
        survivors += [mutant.name for mutant in chosen if not _is_caught(mutant)]
    sys.stdout.write(f"{len(chosen)} seeded bugs, {len(survivors)} not as expected {survivors}\n")
    return 1 if survivors else 0


def mutate(mutant: Mutant, root: Path) -> None:
    """Replace the mutant's text.

    Raises:
        NotApplicable: it is not there exactly once.
    """
    path = root / mutant.path
    text = path.read_text()
    if text.count(mutant.old) != 1:
        raise NotApplicable(mutant.name)
    path.write_text(text.replace(mutant.old, mutant.new))


def _is_sound() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        copy_tree(Path(folder))
        code, seen, seconds = _run(["-m", "tests.faults.mutants.probing", SOUND], Path(folder))
    _tell(SOUND, "nothing violated" if code == 0 else f"VIOLATES {seen}", seconds)
    return code == 0


def _is_caught(mutant: Mutant) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        copy_tree(root)
        mutate(mutant, root)
        command = ["-m", "tests.faults.mutants.probing", mutant.name]
        if mutant.test:
            command = ["-m", "pytest", "-q", "-x", mutant.test]
        code, seen, seconds = _run(command, root)
    is_caught = code == 1
    by = mutant.test if mutant.test else f"invariants {seen}"
    _tell(mutant.name, f"caught by {by}" if is_caught else f"NOT CAUGHT (code {code}): {seen}", seconds)
    return is_caught


def copy_tree(root: Path) -> None:
    """Copy what a campaign runs into a folder."""
    root.mkdir(exist_ok=True)
    ignored = shutil.ignore_patterns("__pycache__", "results", "*.pyc")
    for name in TREE:
        shutil.copytree(ROOT / name, root / name, ignore=ignored)
    for name in FILES:
        shutil.copy(ROOT / name, root / name)


def _run(command: list[str], root: Path) -> tuple[int, str, float]:
    began = time.monotonic()
    environment: Mapping[str, str] = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [sys.executable, *command], cwd=root, env=environment, capture_output=True, text=True, timeout=WITHIN_S
        )
    except subprocess.TimeoutExpired:
        return -1, "it took too long", time.monotonic() - began
    return done.returncode, _last_words(done), time.monotonic() - began


def _last_words(done: "subprocess.CompletedProcess[str]") -> str:
    lines = done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or [""]
    try:
        return " ".join(f"{letter}:{count}" for letter, count in json.loads(lines[-1]).items())
    except (json.JSONDecodeError, AttributeError):
        return (done.stderr.strip().splitlines() or lines)[-1][:160]


def _tell(name: str, verdict: str, seconds: float) -> None:
    sys.stdout.write(f"| {name} | {verdict} | {seconds:.0f} s |\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
