import sys
from pathlib import Path

from tests.sweep import Sweep

#: Notes that it ran, and fails until a file is there.
CHECK = """
import pathlib, sys
file = pathlib.Path(sys.argv[1])
with file.open("a") as ran:
    ran.write("x")
sys.exit(not file.with_suffix(".ok").exists())
"""


def check(file: Path) -> tuple[str, ...]:
    return (sys.executable, "-S", "-c", CHECK, str(file))


def test_sweep_goes_on_where_it_failed(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    checks = {"first": check(first), "second": check(second)}
    first.with_suffix(".ok").touch()

    failed = Sweep(checks, tmp_path / "notes" / "passed.json", commit="c").run([])
    second.with_suffix(".ok").touch()
    passed = Sweep(checks, tmp_path / "notes" / "passed.json", commit="c").run([])

    assert (failed, passed) == (False, True)
    assert (first.read_text(), second.read_text()) == ("x", "xx")


def test_another_commit_and_changes_are_swept_anew(tmp_path: Path) -> None:
    only = tmp_path / "only"
    only.with_suffix(".ok").touch()
    for commit in ("c", "d", None, None):
        assert Sweep({"only": check(only)}, tmp_path / "passed.json", commit=commit).run(["only"])

    assert only.read_text() == "xxxx"
