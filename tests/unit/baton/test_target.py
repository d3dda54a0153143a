from pathlib import Path

import pytest

from baton.board_client import board_for
from baton.refusal import Refused
from baton.secret_files import secrets_of
from baton.target import target_environment, target_settings

ADDRESSES = {"KAFKA_BOOTSTRAP_SERVERS": "kafka:9092", "SCHEMA_REGISTRY_URL": "http://registry"}


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    (tmp_path / "database_url").write_text("postgresql://from-a-file\n")
    (tmp_path / "board_trusted_proxy").write_text("known\n")
    return tmp_path


def test_secret_files_are_settings_of_a_command(mounted: Path) -> None:
    told = target_environment({**ADDRESSES, "SECRETS_FOLDER": str(mounted)})

    assert told["DATABASE_URL"] == "postgresql://from-a-file"


def test_variable_wins_over_a_secret_file(mounted: Path) -> None:
    told = target_environment({**ADDRESSES, "SECRETS_FOLDER": str(mounted), "DATABASE_URL": "postgresql://told"})

    assert told["DATABASE_URL"] == "postgresql://told"


def test_empty_variable_leaves_the_secret_file_in_place(mounted: Path) -> None:
    told = target_environment({**ADDRESSES, "SECRETS_FOLDER": str(mounted), "DATABASE_URL": ""})

    assert told["DATABASE_URL"] == "postgresql://from-a-file"


def test_clients_of_a_command_use_secret_files(mounted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**ADDRESSES, "SECRETS_FOLDER": str(mounted)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DATABASE_URL", raising=False)

    assert target_settings().database_url == "postgresql://from-a-file"


def test_what_the_board_wants_to_see_may_be_a_secret_file(mounted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOARD_URL", "http://board")
    monkeypatch.setenv("SECRETS_FOLDER", str(mounted))
    monkeypatch.delenv("BOARD_TRUSTED_PROXY", raising=False)

    assert board_for("sue").proof == "known"


def test_folder_that_is_not_there_holds_no_secret(tmp_path: Path) -> None:
    assert secrets_of({"SECRETS_FOLDER": str(tmp_path / "nowhere")}) == secrets_of({}) == {}


def test_missing_address_without_a_stack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no stack runs"):
        target_environment({**ADDRESSES, "BATON_HOME": str(tmp_path)})
