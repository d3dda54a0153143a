from pathlib import Path

import pytest

from baton.stack.paths import REPOSITORY
from baton.stack.ports import USUAL_PORTS
from baton.stack.start_lines import demo_staff, start_lines
from baton.stack.state import PartRecord, PartState, Phase, StackRecord

WATCHED = ("channels", "intake", "matcher")


def record(**addresses: str) -> StackRecord:
    parts = [
        PartRecord(name=name, slot=0, state=PartState.RUNNING, pid=1, restarts=0, metrics_port=9400 + number)
        for number, name in enumerate(WATCHED)
    ]
    known = {
        "kafka_bootstrap_servers": "127.0.0.1:9092",
        "schema_registry_url": "http://127.0.0.1:8081/apis/ccompat/v7",
        "database_url": "postgresql://baton:sentinel@127.0.0.1:5432/baton",
        "intake_url": "http://127.0.0.1:8090",
        "board_url": "http://127.0.0.1:18080",
        "mllp_address": "127.0.0.1:2575",
        "drop_folder": "/home/someone/.baton/inbox",
    }
    return StackRecord.model_validate(
        {"phase": Phase.RUNNING, "supervisor_pid": 1, "addresses": {**known, **addresses}, "parts": parts}
    )


def lines(
    ports: dict[str, int] | None = None, environment: dict[str, str] | None = None, **addresses: str
) -> list[str]:
    return list(start_lines(record(**addresses), ports or {}, environment or {}))


def test_every_address_is_listed_and_every_line_fits_a_terminal() -> None:
    told = lines({**USUAL_PORTS, "board": 18080, "kafka": 19092, "kafka-controller": 19093, "registry": 18081})
    text = "\n".join(told)

    known = record().addresses.as_environment()
    known["DATABASE_URL"] = "127.0.0.1:5432"
    assert [value for value in known.values() if value not in text] == []
    assert [name for number, name in enumerate(WATCHED) if f"http://127.0.0.1:{9400 + number} {name}" not in text] == []
    assert [line for line in told if len(line) > 80] == []


def test_password_of_the_database_is_not_shown() -> None:
    assert "sentinel" not in "\n".join(lines())


def test_ports_that_had_to_be_moved_are_named() -> None:
    text = " ".join(" ".join(lines({**USUAL_PORTS, "board": 18080, "channels.0": 9400, "intake.0": 19401})).split())

    assert "board 18080 instead of 8080, metrics 19401 and on instead of 9400 and on" in text
    assert "moved" not in "\n".join(lines({**USUAL_PORTS, "channels.0": 9400}))


def test_synthetic_staff_is_named_except_in_production() -> None:
    assert "ivy (intake)" in "\n".join(lines())
    assert "ivy" not in "\n".join(lines(environment={"BATON_ENVIRONMENT": "production"}))


def test_shell_is_told_how_to_find_baton(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert any(line.startswith("first ") and line.endswith("/bin/activate") for line in lines())


def test_readme_names_the_same_staff() -> None:
    assert ", ".join(demo_staff()) in " ".join((REPOSITORY / "README.md").read_text().split())
