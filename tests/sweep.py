"""The checks that take too long for each change: `python -m tests.sweep [NAME...]`, resumable (`make sweep`).

What passed for the present commit is not run again; with changes that are not committed everything is.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Command = tuple[str, ...]

PYTEST = (sys.executable, "-m", "pytest", "-m", "sweep", "--durations=0")
STARTS = "tests/integration/test_starts.py"
CHECKS: Mapping[str, Command] = {
    "five-stacks": (*PYTEST, STARTS, "-k", "five_stacks"),
    "busy-starts": (*PYTEST, STARTS, "-k", "twenty_starts"),
    "faults-release": (sys.executable, "-m", "tests.faults", "run", "--plan", "release"),
    "faults-mutate": (sys.executable, "-m", "tests.faults.mutants"),
}


@dataclass(frozen=True)
class Outcome:
    """How a check ended."""

    is_passed: bool
    seconds: float


class Sweep:
    """Runs checks one after the other and notes each outcome at once."""

    def __init__(self, checks: Mapping[str, Command], notes: Path, *, commit: str | None) -> None:
        self._checks = checks
        self._notes = notes
        self._commit = commit

    def run(self, names: Sequence[str]) -> bool:
        """Run the named checks, all when none is named; tell whether none failed."""
        outcomes = [self._outcome_of(name) for name in names or tuple(self._checks)]
        return all(outcome.is_passed for outcome in outcomes)

    def _outcome_of(self, name: str) -> Outcome:
        passed = self._passed()
        if name in passed:
            _say(f"{name}: passed before in {passed[name]:.0f} s")
            return Outcome(is_passed=True, seconds=passed[name])
        _say(f"{name}: begins")
        began = time.monotonic()
        code = subprocess.run(self._checks[name], check=False).returncode
        outcome = Outcome(is_passed=code == 0, seconds=time.monotonic() - began)
        _say(f"{name}: {'passed' if outcome.is_passed else 'FAILED'} in {outcome.seconds:.0f} s")
        if outcome.is_passed and self._commit is not None:
            self._notes.parent.mkdir(parents=True, exist_ok=True)
            self._notes.write_text(json.dumps({"commit": self._commit, "passed": {**passed, name: outcome.seconds}}))
        return outcome

    def _passed(self) -> dict[str, float]:
        if self._commit is None or not self._notes.exists():
            return {}
        noted = json.loads(self._notes.read_text())
        return dict(noted["passed"]) if noted["commit"] == self._commit else {}


def committed_state(folder: Path) -> str | None:
    """Return the commit of a clean checkout, nothing when there are changes."""
    git = ("git", "-C", str(folder))
    changes = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=True).stdout
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout
    return None if changes else head.strip()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run what the arguments name; 1 when anything failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.sweep", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CHECKS))
    root = Path(__file__).resolve().parents[1]
    sweep = Sweep(CHECKS, root / ".sweep" / "passed.json", commit=committed_state(root))
    return 0 if sweep.run(parser.parse_args().names) else 1


if __name__ == "__main__":
    sys.exit(main())
