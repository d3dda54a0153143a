import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.vocabulary import ClockState, Priority, Stage
from services.stager.data_files import FOLDER, load_policy, load_stage_table
from services.stager.rules.policy import read_duration, read_policy
from services.stager.rules.reading import WronglyWritten


@pytest.fixture
def written() -> dict[str, Any]:
    return tomllib.loads(FOLDER.joinpath("sla_policy.standard.toml").read_text())


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2h", timedelta(hours=2)), ("1d12h", timedelta(hours=36)), ("90s", timedelta(seconds=90)), ("2w", timedelta(14))],
)
def test_durations_are_read(text: str, expected: timedelta) -> None:
    assert read_duration(text) == expected


@pytest.mark.parametrize("text", ["", "2", "h", "2 h", "-2h", "2h later", "0h", "1.5h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(WronglyWritten):
        read_duration(text)


def test_a_more_urgent_referral_never_has_more_time() -> None:
    policy = load_policy("standard", load_stage_table())

    for row in (*policy.durations.values(), *policy.follow_up.values()):
        in_order = [row[priority] for priority in (Priority.ROUTINE, Priority.URGENT, Priority.ASAP, Priority.STAT)]
        assert in_order == sorted(in_order, reverse=True)


def test_only_the_demo_policy_is_short_and_says_so() -> None:
    table = load_stage_table()
    standard, demo = load_policy("standard", table), load_policy("demo", table)

    assert (standard.is_demo, demo.is_demo) == (False, True)
    assert "demo" in demo.label
    assert max(row[Priority.ROUTINE] for row in demo.durations.values()) < timedelta(minutes=10)
    assert set(demo.durations) == set(standard.durations)


def test_a_policy_of_the_clinics_own_is_read_from_its_file(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(FOLDER.joinpath("sla_policy.standard.toml").read_text().replace('"standard"', '"own"'))

    assert load_policy(str(own), load_stage_table()).label == "own@1"


def test_a_stage_without_a_duration_is_refused(written: dict[str, Any]) -> None:
    del written["durations"]["eligibility"]["stat"]

    with pytest.raises(WronglyWritten, match="no duration of eligibility for stat"):
        read_policy(written, load_stage_table())


def test_a_policy_may_pause_an_exception(written: dict[str, Any]) -> None:
    written["clocks"] = {"patient_unreachable": "paused"}
    written["follow_up"]["unreachable"] = dict.fromkeys(Priority, "4h")

    table = load_stage_table()
    policy = read_policy(written, table)

    assert policy.clock_of(table.stages[Stage.PATIENT_UNREACHABLE]) is ClockState.PAUSED


def test_a_policy_may_not_pause_what_is_entered_without_a_reason(written: dict[str, Any]) -> None:
    written["clocks"] = {"eligibility": "paused"}
    written["follow_up"]["eligibility"] = dict.fromkeys(Priority, "4h")

    with pytest.raises(WronglyWritten, match="entered without a reason"):
        read_policy(written, load_stage_table())


def test_a_policy_may_not_stop_an_open_stage(written: dict[str, Any]) -> None:
    written["clocks"] = {"eligibility": "stopped"}

    with pytest.raises(WronglyWritten, match="cannot be stopped"):
        read_policy(written, load_stage_table())


def test_specialties_without_clinical_review_are_found_however_they_are_written() -> None:
    policy = load_policy("standard", load_stage_table())

    assert policy.skips_clinical_review(" Dermatology ")
    assert not policy.skips_clinical_review("cardiology")
    assert not policy.skips_clinical_review(None)
