from pathlib import Path

import pytest

from baton.directory.document import DEFAULT_FILE, UnusableDirectory, read_directory
from schemas.vocabulary import Role, Team

CLINIC = '[[networks.clinics]]\nclinic_id = "harbor"\nname = "Harbor"\ntime_zone = "America/New_York"\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "directory.toml"
    path.write_text(f'[[networks]]\nnetwork_id = "riverside"\nname = "Riverside"\n{text}')
    return path


def person(user_id: str = "ivy", role: str = "intake", more: str = "") -> str:
    return f'[[networks.staff]]\nuser_id = "{user_id}"\nname = "Somebody"\nrole = "{role}"\n{more}\n'


def test_the_default_directory_has_every_role_and_team() -> None:
    (network,) = read_directory(DEFAULT_FILE).networks

    assert {person.role for person in network.staff} == set(Role) - {Role.SERVICE}
    assert {team for person in network.staff for team in person.teams} == set(Team)
    assert [clinic.clinic_id for clinic in network.clinics] == ["harbor", "hill", "lake"]


@pytest.mark.parametrize(
    "text",
    [
        person() + person(),
        person(role="boss"),
        person(role="service"),
        person(user_id="Ivy, the second"),
        person(more='clinics = ["elsewhere"]'),
        person(more='teams = ["pirates"]'),
        person(more='password = "secret"'),
        CLINIC.replace("America/New_York", "Mars/Olympus"),
        CLINIC.replace('"harbor"', '"har.bor"'),
        "nonsense",
    ],
)
def test_a_contradictory_directory_is_not_loaded(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnusableDirectory):
        read_directory(written(tmp_path, CLINIC + text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableDirectory, match="cannot be read"):
        read_directory(tmp_path / "nowhere.toml")


def test_a_consistent_directory_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, CLINIC + person(more='clinics = ["harbor"]\nteams = ["intake"]'))

    (network,) = read_directory(path).networks

    assert (network.staff[0].clinics, network.staff[0].teams) == (("harbor",), (Team.INTAKE,))
