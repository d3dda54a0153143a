"""Where the embedded stack keeps its state, its downloads and its own files."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: The folder that holds the packages: a checkout, or where a wheel was installed.
REPOSITORY = Path(__file__).resolve().parents[2]
#: What the embedded parts are made of: the list of their archives and their settings.
DEPLOYMENT = Path(__file__).resolve().parent / "local"
PRIVATE = 0o700


@dataclass(frozen=True)
class StackHome:
    """The folder that holds everything one stack writes."""

    root: Path

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def ports(self) -> Path:
        return self.root / "ports.json"

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def kafka(self) -> Path:
        return self.root / "kafka"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def registry(self) -> Path:
        return self.root / "registry"

    @property
    def temporary(self) -> Path:
        return self.root / "tmp"

    @property
    def documents(self) -> Path:
        return self.root / "documents"

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    def log_of(self, process: str) -> Path:
        """Name the log file of a process."""
        return self.logs / f"{process}.log"

    def empty_temporary(self) -> None:
        """Remove what programs of an earlier start left behind; the caller holds the home's lock."""
        shutil.rmtree(self.temporary, ignore_errors=True)
        self.temporary.mkdir(mode=PRIVATE, exist_ok=True)

    def create(self) -> None:
        """Make the folders, readable by their owner alone."""
        for folder in (
            self.root,
            self.logs,
            self.kafka,
            self.postgres,
            self.registry,
            self.temporary,
            self.documents,
            self.inbox,
        ):
            folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        self.root.chmod(PRIVATE)


def home_from(environment: Mapping[str, str]) -> StackHome:
    """Find the stack's home: BATON_HOME, else `.baton` of the working folder."""
    return StackHome(Path(environment.get("BATON_HOME") or ".baton").resolve())


def cache_from(environment: Mapping[str, str]) -> Path:
    """Find the folder for downloads: BATON_CACHE, else the user's cache."""
    configured = environment.get("BATON_CACHE")
    user_cache = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(configured).resolve() if configured else user_cache / "baton"
