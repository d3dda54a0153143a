import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize("words", [("ps",), ("ps", "--json"), ("env",)])
def test_question_to_a_stack_that_does_not_run_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    answer = baton(tmp_path, *words)

    assert answer.returncode == 1
    assert answer.stderr == f"baton: no stack runs in {tmp_path}/home; start one with `baton up`\n"
    assert answer.stdout == ""


def test_stop_of_a_stack_that_does_not_run_is_done_already(tmp_path: Path) -> None:
    answer = baton(tmp_path, "down")

    assert answer.returncode == 0
    assert answer.stdout == f"no stack runs in {tmp_path}/home\n"


@pytest.mark.parametrize("words", [("up", "--replicas", "0"), ("ps", "--wrong"), ("nonsense",)])
def test_wrong_usage_exits_with_2(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert baton(tmp_path, *words).returncode == 2


def test_doctor_without_java_names_it(tmp_path: Path) -> None:
    answer = baton(tmp_path, "doctor", PATH=str(tmp_path), JAVA_HOME="")

    assert answer.returncode == 1
    assert "WRONG  java: no Java 17 or newer was found\n" in answer.stdout
    assert "java" in answer.stderr


def baton(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "baton", *words],
        cwd=ROOT,
        env={**os.environ, "BATON_HOME": str(folder / "home"), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
