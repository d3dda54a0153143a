"""The Java archives of the broker and the registry, fetched once by Maven into the cache."""

import asyncio
import contextlib
import fcntl
import hashlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from baton.stack.paths import DEPLOYMENT
from baton.stack.process import Command, run

LIST_OF_ARTIFACTS = DEPLOYMENT / "pom.xml"
GOALS = ("dependency:copy-dependencies@broker", "dependency:unpack@registry")


@dataclass(frozen=True)
class Downloads:
    """A folder of the cache that belongs to one version of the artifact list."""

    folder: Path

    @property
    def kafka(self) -> Path:
        return self.folder / "kafka"

    @property
    def registry(self) -> Path:
        return self.folder / "registry"

    def is_complete(self) -> bool:
        """Tell whether nothing has to be fetched: the folder appears only when all is there."""
        return self.folder.is_dir()


def downloads_in(cache: Path) -> Downloads:
    """Name the folder that fits the present artifact list."""
    digest = hashlib.sha256(LIST_OF_ARTIFACTS.read_bytes()).hexdigest()[:16]
    return Downloads(cache / "java" / digest)


async def fetch(downloads: Downloads, *, maven: str, log: Path, environment: dict[str, str]) -> None:
    """Fetch the archives unless they are there; two stacks that start together fetch once.

    Raises:
        CommandFailed: when Maven fails.
    """
    if downloads.is_complete():
        return
    draft = downloads.folder.with_suffix(".draft")
    async with _only_one(downloads.folder.with_suffix(".lock")):
        if downloads.is_complete():
            return
        shutil.rmtree(draft, ignore_errors=True)
        arguments = (maven, "-B", "-q", "-f", str(LIST_OF_ARTIFACTS), f"-Dtarget={draft}", *GOALS)
        await run(Command(arguments, log=log, environment=environment))
        draft.rename(downloads.folder)


@contextlib.asynccontextmanager
async def _only_one(path: Path) -> AsyncIterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        while not _locked(file):
            await asyncio.sleep(0.2)
        yield


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
