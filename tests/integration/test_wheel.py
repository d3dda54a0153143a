"""Baton is installed from its wheel into a fresh environment, far from any checkout, and comes up there."""

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from baton.stack.paths import REPOSITORY, cache_from

PACKAGES = ("schemas", "runtime", "services", "baton")
ALONE = {name: value for name, value in os.environ.items() if not name.endswith(("_URL", "_SERVERS"))}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # from a copy of what is committed or about to be: a build leaves folders in the tree it is made from
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        source, target = REPOSITORY / name, folder / "tree" / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(folder / "tree")]
    subprocess.run(build, check=True, timeout=280)
    return next(folder.glob("baton-*.whl"))


@pytest.fixture(scope="module")
def baton(wheel: Path) -> Path:
    """The command in an environment that has the packages Baton needs and no other Baton than that of the wheel."""
    environment = wheel.parent / "environment with a blank"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, timeout=280)
    here, there = sysconfig.get_path("purelib"), next(environment.glob("lib/python*/site-packages"))
    (there / "dependencies.pth").write_text(here)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "-q", "--no-deps", "--force-reinstall"]
    subprocess.run([*pip, str(wheel)], check=True, timeout=280)
    return environment / "bin" / "baton"


def test_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    listed = subprocess.run(["git", "ls-files", *PACKAGES], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    wanted = {name for name in listed.stdout.splitlines() if (REPOSITORY / name).exists()}

    # texts for people who read the tree stay in the tree
    missing = {name for name in wanted - set(zipfile.ZipFile(wheel).namelist()) if not name.endswith(".md")}
    assert missing == set()


def test_wheel_carries_the_licence_and_says_which(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    folder = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA")).rpartition("/")[0]

    assert archive.read(f"{folder}/licenses/LICENSE") == (REPOSITORY / "LICENSE").read_bytes()
    assert "License-Expression: Apache-2.0\n" in archive.read(f"{folder}/METADATA").decode()


@pytest.mark.slow
def test_installed_wheel_comes_up(baton: Path, tmp_path: Path) -> None:
    environment = {**ALONE, "BATON_HOME": str(tmp_path / "home"), "BATON_CACHE": str(cache_from(os.environ))}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(baton), *words], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=280
        )

    up = run("up", "--no-demo", "--detach")
    rows = json.loads(run("ps", "--json").stdout)
    down = run("down")

    assert up.returncode == 0, up.stderr
    assert {row["state"] for row in rows} == {"running"}
    assert len(rows) == 13
    assert down.returncode == 0
