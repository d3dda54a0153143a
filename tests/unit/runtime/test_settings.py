"""A missing setting is named, and no value is ever printed."""

from pathlib import Path

import pytest

from runtime.settings import ServiceSettings, load_settings

NEEDED = ("KAFKA_BOOTSTRAP_SERVERS", "SCHEMA_REGISTRY_URL", "DATABASE_URL")
SECRET = "postgresql://baton:open-sesame@db/baton"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ServiceSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("SECRETS_FOLDER", raising=False)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "broker:9092")
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", "http://registry")
    monkeypatch.setenv("DATABASE_URL", SECRET)


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_setting_is_named_in_one_line(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(name)

    with pytest.raises(SystemExit) as ended:
        load_settings(ServiceSettings)

    told = capsys.readouterr()
    assert ended.value.code == 2
    assert told.err == f"missing setting: {name}\n"
    assert told.out == ""


def test_a_wrong_value_is_named_and_not_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BATCH_SIZE", "open-sesame")
    monkeypatch.setenv("BATON_ENVIRONMENT", "open-sesame")
    monkeypatch.delenv("DATABASE_URL")

    with pytest.raises(SystemExit):
        load_settings(ServiceSettings)

    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert {name in told for name in ("BATCH_SIZE", "BATON_ENVIRONMENT", "DATABASE_URL")} == {True}
    assert "sesame" not in told


def test_secrets_come_from_files_where_a_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL")
    (tmp_path / "database_url").write_text(f"{SECRET}\n")
    monkeypatch.setenv("SECRETS_FOLDER", str(tmp_path))

    assert load_settings(ServiceSettings).database_url == SECRET


def test_settings_can_not_be_changed() -> None:
    settings = load_settings(ServiceSettings)

    with pytest.raises(ValueError, match="frozen"):
        settings.batch_size = 1  # type: ignore[misc]
