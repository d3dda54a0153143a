"""What the launcher hands on, run as a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from baton.stack.process import LAUNCHER

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
#: Asks as the database's programs do: by access(2), which judges the real user.
ASKS = "import os, sys; print(os.getuid(), os.access(sys.argv[1], os.R_OK))"


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A folder that only its owner may enter, as a home is, with a program in it."""
    folder = tmp_path / "closed to others"
    folder.mkdir(mode=0o700)
    program = folder / "program"
    program.write_text("#!/bin/sh\necho ran\n")
    program.chmod(0o755)
    return folder


def launch(*command: str, user: str = "nobody") -> subprocess.CompletedProcess[str]:
    launcher = (sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), "9", user)
    return subprocess.run([*launcher, *command], capture_output=True, text=True, cwd="/", timeout=60)


@needs_root
def test_other_user_reaches_files_below_a_folder_that_is_closed_to_it(closed: Path) -> None:
    asked = launch(sys.executable, "-I", "-S", "-c", ASKS, str(closed / "program"))

    assert asked.stdout.split() == ["65534", "True"], asked.stderr


@needs_root
def test_other_user_runs_programs_below_a_folder_that_is_closed_to_it(closed: Path) -> None:
    assert launch(str(closed / "program")).stdout == "ran\n"


@needs_root
def test_program_out_of_reach_is_named_with_what_to_do(closed: Path) -> None:
    without = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
    python = "/usr/bin/python3"
    if not Path(python).exists():
        pytest.skip("the system's own Python is needed: another one may lie in a closed folder, too")
    launcher = (python, "-I", "-S", str(LAUNCHER), str(os.getpid()), "9", "nobody", str(closed / "program"))
    refused = subprocess.run([*without, *launcher], capture_output=True, text=True, cwd="/", timeout=60)

    assert refused.returncode == 1
    assert refused.stderr.startswith(f"the user nobody cannot reach {closed / 'program'}")


def test_own_user_is_kept_where_none_is_named(closed: Path) -> None:
    assert launch(str(closed / "program"), user="-").stdout == "ran\n"
