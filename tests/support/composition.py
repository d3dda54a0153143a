"""docker-compose.yml as the engine would understand it."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from baton.container_secrets import make_secrets
from baton.stack.paths import REPOSITORY
from runtime.settings import ServiceSettings
from services.board.settings import BoardSettings
from services.courier.settings import CourierSettings
from services.intake.settings import ChannelSettings, NormaliserSettings
from services.matcher.settings import MatcherSettings
from services.sla.settings import ClocksSettings, FiringSettings, WindowsSettings
from services.stager.settings import StagerSettings

#: what each process reads
SETTINGS: Mapping[str, type[ServiceSettings]] = {
    "channels": ChannelSettings,
    "intake": NormaliserSettings,
    "matcher": MatcherSettings,
    "stager": StagerSettings,
    "sla": ClocksSettings,
    "sla-firing": FiringSettings,
    "sla-windows": WindowsSettings,
    "courier": CourierSettings,
    "board": BoardSettings,
}


def folders_of_image() -> list[str]:
    """Return the folders that our image makes for its user."""
    stage = (REPOSITORY / "deploy" / "Dockerfile").read_text().rpartition("\nFROM ")[2]
    (made,) = re.findall(r"install --directory --owner=baton --group=baton --mode=0700 (.+)$", stage, re.MULTILINE)
    return str(made).split()


@cache
def composition() -> dict[str, Any]:
    """Read the file with anchors, defaults and profiles resolved."""
    program = str(Path(sys.executable).with_name("docker-compose"))
    command = [program, "--env-file", os.devnull, "--profile", "demo", "config", "--format", "json"]
    # no variable of this machine takes part
    read = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]}
    )
    assert read.returncode == 0, read.stderr
    resolved: dict[str, Any] = json.loads(read.stdout.replace("$$", "$"))
    return resolved


def parts() -> dict[str, dict[str, Any]]:
    """Return every container by its name."""
    services: dict[str, dict[str, Any]] = composition()["services"]
    return services


def environment_of(name: str) -> dict[str, str]:
    """Return the environment of a container."""
    return dict(parts()[name].get("environment") or {})


def secrets_of(name: str) -> set[str]:
    """Return the names of the secrets that a container gets."""
    return {secret["source"] for secret in parts()[name].get("secrets", [])}


def mount_secrets(name: str, folder: Path) -> Path:
    """Make the secrets as `make secrets` does and give a folder with those of one container."""
    make_secrets(folder / "made")
    mounted = folder / name
    mounted.mkdir()
    for secret in secrets_of(name):
        shutil.copy(folder / "made" / secret, mounted)
    return mounted


@contextmanager
def environment_alone(environment: Mapping[str, str]) -> Iterator[None]:
    """Let this process have no other variables for a while."""
    with patch.dict(os.environ, environment, clear=True):
        yield


def settings_of(name: str, folder: Path) -> ServiceSettings:
    """Read the settings as the process in the container would."""
    secrets = mount_secrets(name, folder)
    with environment_alone(environment_of(name)):
        return SETTINGS[name](_secrets_dir=str(secrets))
