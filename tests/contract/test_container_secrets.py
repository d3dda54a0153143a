"""`make secrets` makes every secret that docker-compose.yml mounts, so that each container can read its own."""

import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from baton.container_secrets import FOLDER, make_secrets
from baton.stack.paths import REPOSITORY
from tests.support.composition import composition, environment_of, parts, secrets_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "secrets"


def test_every_mounted_secret_is_made(folder: Path) -> None:
    mounted = {name: Path(secret["file"]) for name, secret in composition()["secrets"].items()}

    made = make_secrets(folder)

    assert set(made) == {path.name for path in folder.iterdir()} == set(mounted)
    assert mounted == {name: FOLDER / name for name in made}
    assert {secret for name in parts() for secret in secrets_of(name)} == set(mounted)


def test_only_the_owner_enters_and_every_image_reads_what_it_has_mounted(folder: Path) -> None:
    make_secrets(folder)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o444}


def test_open_folder_is_closed(folder: Path) -> None:
    folder.mkdir(mode=0o755)

    make_secrets(folder)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_secrets_that_are_there_stay(folder: Path) -> None:
    make_secrets(folder)
    before = {path.name: path.read_text() for path in folder.iterdir()}

    assert make_secrets(folder) == ()

    assert {path.name: path.read_text() for path in folder.iterdir()} == before


@pytest.mark.parametrize("lost", ["postgres_password", "database_url"])
def test_lost_secret_is_made_from_the_one_that_is_left(folder: Path, lost: str) -> None:
    make_secrets(folder)
    before = (folder / lost).read_text()
    (folder / lost).unlink()

    assert make_secrets(folder) == (lost,)

    assert (folder / lost).read_text() == before


def test_no_two_secrets_are_alike(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_secrets(tmp_path / name)
    contents = [path.read_text() for name in ("one", "two") for path in (tmp_path / name).iterdir()]

    assert len(set(contents)) == len(contents)


def test_services_log_in_as_the_database_expects(folder: Path) -> None:
    make_secrets(folder)
    address = urlsplit((folder / "database_url").read_text().strip())
    environment = environment_of("postgres")

    assert (address.username, address.path) == (environment["POSTGRES_USER"], f"/{environment['POSTGRES_DB']}")
    assert address.password == (folder / "postgres_password").read_text().strip()
    assert environment["POSTGRES_PASSWORD_FILE"] == "/run/secrets/postgres_password"


def test_secrets_stay_out_of_the_repository() -> None:
    assert f"{FOLDER.relative_to(REPOSITORY)}/" in (REPOSITORY / ".gitignore").read_text().splitlines()


def test_makefile_makes_them_before_anything_is_installed(folder: Path) -> None:
    rule = (REPOSITORY / "Makefile").read_text().partition("\nsecrets:")[2].partition("\n\n")[0]
    module = rule.split("-m ")[1].strip()

    # without the packages: whoever has an engine needs nothing else of this machine
    told = subprocess.run(
        [sys.executable, "-S", "-m", module, str(folder)], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )

    assert "database_url" in told.stdout
    assert rule.startswith("\n\t@$(PYTHON)")
