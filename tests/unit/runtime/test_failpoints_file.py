"""Failpoints that are armed while the process runs."""

from pathlib import Path

import pytest

from runtime import failpoints
from runtime.failpoints import Failpoint, arm, failpoint


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(Failpoint, "reach", lambda point: names.append(point.name))
    return names


def test_a_list_in_a_file_is_read_again_when_it_changes(tmp_path: Path, reached: list[str]) -> None:
    listed = tmp_path / "failpoints"
    arm(f"file:{listed}")
    try:
        failpoint("stager.after_commit")
        listed.write_text("stager.after_commit\n")
        failpoint("stager.after_commit")
        failpoint("stager.before_commit")
        (tmp_path / "next").write_text("")
        (tmp_path / "next").replace(listed)
        failpoint("stager.after_commit")
    finally:
        arm("")

    assert reached == ["stager.after_commit"]


def test_an_unarmed_process_reaches_nothing(reached: list[str]) -> None:
    arm("")

    failpoints.failpoint("stager.after_commit")

    assert reached == []
