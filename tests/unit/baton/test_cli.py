"""What every command says where what it needs is not there."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from baton.cli import build
from baton.stack.paths import REPOSITORY

#: every command that asks a deployment, with the least words it takes
ASKING: dict[str, tuple[str, ...]] = {
    "ps": (),
    "env": (),
    "status": ("Bellini",),
    "timeline": ("4WHD-8NAK-MKDV",),
    "command": ("4WHD-8NAK-MKDV", "claim", "--as", "ivy"),
    "send": ("tests/samples/fax/complete.pdf",),
    "demo": (),
    "verify": (),
    "rebuild": ("--into", "postgresql://127.0.0.1:1/empty"),
    "bench": ("intake",),
    "migrate": (),
    "audit verify": (),
    "directory load": (),
    "topics apply": (),
    "quarantine list": (),
    "quarantine show": ("some-id",),
    "quarantine retry": ("--all",),
    "quarantine discard": ("some-id", "--as", "ivy"),
}
#: commands that need no deployment, or start and end one
FREE = {"up", "down", "doctor", "topics list"}
OF_THE_DATABASE = ("audit verify", "directory load", "migrate", "quarantine list", "verify", "bench")
NOWHERE = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "SCHEMA_REGISTRY_URL": "http://127.0.0.1:1",
    "DATABASE_URL": "postgresql://someone:secret@127.0.0.1:1/none",
}
ADDRESSES = ("BOARD_URL", "INTAKE_URL", "MLLP_ADDRESS", *NOWHERE)


def test_every_command_is_known_here() -> None:
    assert set(commands_of(get_command(build()))) == {*ASKING, *FREE}


@pytest.mark.parametrize("command", ASKING)
def test_command_without_a_stack_says_so_in_one_line(tmp_path: Path, command: str) -> None:
    answer = baton(tmp_path, *command.split(), *ASKING[command])

    assert answer.stderr == f"baton: no stack runs in {tmp_path}/home; start one with `baton up`\n"
    assert (answer.returncode, answer.stdout) == (1, "")


@pytest.mark.parametrize("command", ["ps", "status"])
def test_stack_that_ended_runs_no_more(tmp_path: Path, command: str) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "lock").touch()
    (tmp_path / "home" / "state.json").write_text('{"addresses": {"board_url": "http://127.0.0.1:1"}}')

    answer = baton(tmp_path, *command.split(), *ASKING[command])

    assert answer.stderr == f"baton: no stack runs in {tmp_path}/home; start one with `baton up`\n"


@pytest.mark.parametrize("command", OF_THE_DATABASE)
def test_database_that_is_away_is_one_line(tmp_path: Path, command: str) -> None:
    answer = baton(tmp_path, *command.split(), *ASKING[command], **NOWHERE)

    # the broker's client says for itself that nobody is there
    (line,) = (line for line in answer.stderr.splitlines() if not line.startswith("%"))
    assert answer.returncode == 1
    assert line.startswith("baton: the database does not answer: ")
    assert "secret" not in answer.stderr


def test_registry_that_is_away_is_one_line(tmp_path: Path) -> None:
    answer = baton(tmp_path, "topics", "apply", **NOWHERE)

    assert (answer.returncode, answer.stderr.count("\n")) == (1, 1), answer.stderr


@pytest.mark.parametrize("command", ["ps", "status", "down", "doctor", "up"])
def test_home_that_is_a_file_is_one_line(tmp_path: Path, command: str) -> None:
    (tmp_path / "home").touch()

    answer = baton(tmp_path, command, *ASKING.get(command, ()))

    assert (answer.returncode, answer.stderr.count("\n")) == (1, 1), answer.stderr
    assert answer.stderr.startswith(f"baton: {tmp_path}/home")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("send", "nowhere.pdf"), "nowhere.pdf: No such file or directory"),
        (("directory", "load", "nowhere.toml"), "nowhere.toml cannot be read"),
    ],
)
def test_missing_file_is_named(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    answer = baton(tmp_path, *words, INTAKE_URL="http://127.0.0.1:1")

    assert (answer.returncode, answer.stderr) == (1, f"baton: {says}\n")


def test_address_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    answer = baton(tmp_path, "rebuild", "--into", "nonsense", **NOWHERE)

    assert answer.returncode == 2
    assert "no address of a database" in answer.stderr


def test_version_is_that_of_the_package(tmp_path: Path) -> None:
    assert baton(tmp_path, "--version").stdout == f"baton {version('baton')}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands(tmp_path: Path, shell: str) -> None:
    script = baton(tmp_path, "--show-completion", shell)
    answer = baton(tmp_path, _BATON_COMPLETE="complete_bash", COMP_WORDS="baton quar", COMP_CWORD="1", prog="baton")

    assert "_BATON_COMPLETE" in script.stdout
    assert answer.stdout.split() == ["quarantine"]


def commands_of(command: Any, *words: str) -> list[str]:
    below = getattr(command, "commands", None)
    if below is None:
        return [" ".join(words)]
    return [found for name, sub in below.items() for found in commands_of(sub, *words, name)]


def baton(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if name not in ADDRESSES}
    return subprocess.run(
        [Path(sys.executable).with_name("baton"), *words],
        cwd=REPOSITORY,
        env={**known, "BATON_HOME": str(folder / "home"), "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
