"""Settings that container platforms mount as files."""

from collections.abc import Mapping
from pathlib import Path


def secrets_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what the files of SECRETS_FOLDER say, by the variables they are called like, as the services read them."""
    folder = environment.get("SECRETS_FOLDER")
    files = Path(folder).glob("*") if folder else ()
    return {path.name.upper(): path.read_text().strip() for path in files if path.is_file()}
