"""Make the secrets that docker-compose.yml mounts: `python3 -m baton.container_secrets`; standard library only.

Docker Compose mounts such a file with the owner and mode it has on this machine, and every image has a user of its
own. So the folder is closed to everybody but its owner, and the files in it can be read by whoever has them mounted.
"""

import argparse
import os
import secrets
import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

FOLDER = Path(__file__).resolve().parents[1] / "deploy" / "secrets"
FOLDER_MODE = 0o700
FILE_MODE = 0o444
REGISTRY_PASSWORD = "apicurio.datasource.password"  # noqa: S105 - the name of a setting


def make_secrets(folder: Path) -> tuple[str, ...]:
    """Write the secrets that are not there yet and return their names; what is there stays as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(FOLDER_MODE)
    made = [
        *_make(folder / "postgres_password", _known_password(folder) or secrets.token_urlsafe(24)),
        *_make(folder / "registry.properties", f"{REGISTRY_PASSWORD}={secrets.token_urlsafe(24)}"),
        *_make(folder / "board_trusted_proxy", secrets.token_urlsafe(24)),
    ]
    password = (folder / "postgres_password").read_text().strip()
    made += _make(folder / "database_url", f"postgresql://baton:{password}@postgres:5432/baton")
    return tuple(made)


def _known_password(folder: Path) -> str | None:
    try:
        return urlsplit((folder / "database_url").read_text()).password
    except FileNotFoundError:
        return None


def _make(path: Path, content: str) -> Iterable[str]:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(f"{content}\n")
    draft.chmod(FILE_MODE)
    try:
        # a link, not a rename: it is there whole or not at all, and never takes another file's place
        os.link(draft, path)
    except FileExistsError:
        return ()
    finally:
        draft.unlink()
    return (path.name,)


def main() -> None:
    """Make the secrets in deploy/secrets, or in the folder that is named."""
    parser = argparse.ArgumentParser(prog="baton.container_secrets", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    folder: Path = parser.parse_args().folder
    made = make_secrets(folder)
    sys.stdout.write(f"{folder}: {', '.join(made) if made else 'all there already'}\n")


if __name__ == "__main__":
    main()
