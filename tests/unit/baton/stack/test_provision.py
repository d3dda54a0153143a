import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from baton.stack.paths import REPOSITORY
from baton.stack.provision import NoRoom, Room, check_room, pinned, room_needed

MAKE = shutil.which("make") or ""


def test_what_will_be_written_is_said_with_its_place(tmp_path: Path) -> None:
    needed = (Room(tmp_path / "a", 1), Room(tmp_path / "b" / "c", 2))

    assert list(check_room(needed)) == [f"needs about 3 MB of disk: 1 MB in {tmp_path}/a, 2 MB in {tmp_path}/b/c"]


def test_full_disk_is_told_before_anything_is_written(tmp_path: Path) -> None:
    each = shutil.disk_usage(tmp_path).free // 1_000_000 * 2 // 3

    with pytest.raises(NoRoom, match=f"MB are free below {tmp_path}, and about {2 * each} MB are needed; make room"):
        list(check_room((Room(tmp_path / "a", each), Room(tmp_path / "b", each))))


def test_nothing_is_needed_when_all_is_there() -> None:
    assert list(check_room(())) == []


def test_packages_and_archives_that_are_there_need_no_room(tmp_path: Path) -> None:
    empty = list(room_needed(tmp_path / "venv", tmp_path, {"BATON_CACHE": str(tmp_path / "cache")}))
    there = list(room_needed(tmp_path, tmp_path, {"BATON_CACHE": str(tmp_path / "cache")}))

    assert [room.folder for room in empty] == [tmp_path / "venv", tmp_path / "cache", tmp_path / ".m2"]
    assert [room.folder for room in there] == [tmp_path / "cache", tmp_path / ".m2"]


def test_packages_of_other_systems_are_not_counted() -> None:
    text = (
        "# comment\na==1 \\\n    --hash=x\nb==2 ; sys_platform == 'win32' \\\nc==3 ; implementation_name != 'pypy' \\\n"
    )

    assert pinned(text) == ["a", "c"]


@pytest.mark.skipif(not MAKE, reason="without make there is no Makefile to try")
def test_make_without_any_python_says_what_to_install(tmp_path: Path) -> None:
    answer = make_setup(tmp_path, path=tmp_path)

    assert answer.returncode != 0
    assert answer.stderr.splitlines()[0] == (
        "Python 3.11 or newer is missing; install it and try again:"
        " apt install python3 python3-venv | dnf install python3 | pacman -S python"
    )


@pytest.mark.skipif(not MAKE, reason="without make there is no Makefile to try")
def test_make_with_a_python_that_is_too_old_says_the_same(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)

    assert make_setup(tmp_path, path=tmp_path).stderr.startswith("Python 3.11 or newer is missing")


def test_check_runs_on_a_bare_python(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-S", "-m", "baton.stack.provision", "check"],
        cwd=REPOSITORY,
        env={"HOME": str(tmp_path), "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stderr
    assert "MB of disk" in answer.stderr
    assert "Python packages (about" in answer.stderr


def make_setup(folder: Path, *, path: Path) -> "subprocess.CompletedProcess[str]":
    for name in ("Makefile", "pyproject.toml", "requirements/main.txt", "requirements/dev.txt", POM):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPOSITORY / name, folder / name)
    return subprocess.run(
        [MAKE, "setup"], cwd=folder, env={"PATH": str(path)}, capture_output=True, text=True, check=False
    )


POM = "baton/stack/local/pom.xml"
