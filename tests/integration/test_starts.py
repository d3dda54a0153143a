"""The whole product is started as a person starts it: beside busy programs, beside other stacks, by several users."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from baton.stack import control
from baton.stack.paths import REPOSITORY, StackHome, cache_from
from baton.stack.process import LAUNCHER
from baton.stack.services import SERVICES
from tests.support.waiting import eventually

ALONE = {name: value for name, value in os.environ.items() if not name.endswith(("_URL", "_SERVERS"))}
SAMPLE = REPOSITORY / "tests" / "samples" / "portal" / "complete.json"
BUSY = 20
#: A start beside busy programs takes its time; that it hangs is noticed by the stack itself.
PATIENCE_S = 1500.0
#: the processes that have an address for those who watch them
ADDRESSED = {service.name for service in SERVICES}
AS_OWNER, AS_OTHER_USER = "-", "nobody"


class Runner:
    """Runs `baton` for one home, as its owner or, under root, as another user who may write nothing else."""

    def __init__(self, home: StackHome, user: str = AS_OWNER) -> None:
        self.home, self._user = home, user
        self.environment = {**ALONE, "BATON_HOME": str(home.root), "BATON_CACHE": str(cache_from(os.environ))}

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        with self.begin(*words) as process:
            output, errors = process.communicate(timeout=PATIENCE_S)
        return subprocess.CompletedProcess(words, process.returncode, output, errors)

    def begin(self, *words: str) -> "subprocess.Popen[str]":
        launcher = (sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), "0", self._user)
        return subprocess.Popen(
            (*launcher, sys.executable, "-m", "baton", *words),
            cwd=REPOSITORY,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def processes(self) -> list[Mapping[str, Any]]:
        rows: list[Mapping[str, Any]] = json.loads(self("ps", "--json").stdout)
        return rows


@contextmanager
def busy_programs(count: int) -> Iterator[None]:
    """Let programs compete for the machine's processors."""
    programs = [subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


def start_beside_busy_programs(folder: Path, *, times: int) -> None:
    baton = Runner(StackHome(folder / "home"))
    with busy_programs(BUSY):
        for _ in range(times):
            up = baton("up", "--no-demo", "--detach")
            assert up.returncode == 0, up.stderr
            states = {row["name"]: row["state"] for row in baton.processes()}
            assert set(states.values()) == {"running"}, states
            assert baton("down").returncode == 0


@pytest.mark.slow
@pytest.mark.timeout(2 * PATIENCE_S)
def test_every_start_beside_busy_programs_comes_up(tmp_path: Path) -> None:
    start_beside_busy_programs(tmp_path, times=2)


@pytest.mark.sweep
@pytest.mark.timeout(20 * PATIENCE_S)
def test_twenty_starts_beside_busy_programs_come_up(tmp_path: Path) -> None:
    start_beside_busy_programs(tmp_path, times=20)


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE_S)
def test_of_two_people_who_start_at_once_one_is_refused_and_the_other_is_told_what_happens(tmp_path: Path) -> None:
    baton = Runner(StackHome(tmp_path / "home"))
    ups = [baton.begin("up", "--no-demo") for _ in range(2)]
    eventually(lambda: any(up.poll() is not None for up in ups), within_s=PATIENCE_S, what="the refusal of one")
    loser, winner = sorted(ups, key=lambda up: up.poll() is None)
    assert loser.communicate()[1].startswith("baton: a stack already runs in")
    assert loser.returncode == 1

    lines = told_by(winner)
    told = wait_for(r"baton down", lines)
    addresses = re.findall(r"http://\S+", "".join(told))
    assert len(addresses) == 3 + sum(row["name"] in ADDRESSED for row in baton.processes())
    assert {address: httpx.get(address).status_code for address in addresses} == dict.fromkeys(addresses, 200)
    of_start = [line for line in told if "waiting for" not in line and str(tmp_path) not in line]
    assert [line for line in of_start if len(line.rstrip("\n")) > 80] == []
    (board,) = (row for row in baton.processes() if row["name"] == "board")
    os.kill(board["pid"], signal.SIGKILL)
    wait_for(r"board: it ended with signal SIGKILL; it is started again", lines)
    wait_for(r"board is ready again", lines)
    family = psutil.Process(winner.pid).children(recursive=True)
    winner.send_signal(signal.SIGINT)
    winner.communicate(timeout=PATIENCE_S)

    assert winner.returncode == 0
    assert psutil.wait_procs(family, timeout=120)[1] == []


@pytest.mark.sweep
@pytest.mark.timeout(2 * PATIENCE_S)
def test_five_stacks_of_two_users_started_at_once_all_come_up_and_none_is_mixed_with_another(tmp_path: Path) -> None:
    other = AS_OTHER_USER if os.geteuid() == 0 else AS_OWNER
    runners = [Runner(make_home(tmp_path / f"stack {n}", user), user) for n, user in enumerate([AS_OWNER, other] * 2)]
    runners.append(Runner(make_home(tmp_path / "stack 4", AS_OWNER)))
    try:
        with ThreadPoolExecutor(len(runners)) as threads:
            ups = list(threads.map(lambda baton: baton("up", "--no-demo", "--detach"), runners))
            assert [up.returncode for up in ups] == [0] * len(runners), [up.stderr for up in ups]
            sent = list(threads.map(lambda baton: baton("send", str(SAMPLE), "--wait", "300"), runners))
            assert [one.returncode for one in sent] == [0] * len(runners), [one.stderr for one in sent]
        for baton in runners:
            addresses = control.running(baton.home).addresses
            with psycopg.connect(addresses.database_url) as connection:
                assert connection.execute("SELECT count(*) FROM stager.referral").fetchone() == (1,)
            assert baton("doctor").returncode == 0
        taken = [port for baton in runners for port in json.loads(baton.home.ports.read_text()).values()]
        assert len(set(taken)) == len(taken)
    finally:
        for baton in runners:
            baton("down")


def make_home(folder: Path, user: str) -> StackHome:
    folder.mkdir()
    if user == AS_OTHER_USER:
        import pwd

        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    return StackHome(folder / "home")


def told_by(process: "subprocess.Popen[str]") -> Iterator[str]:
    assert process.stdout is not None
    return iter(process.stdout.readline, "")


def wait_for(pattern: str, lines: Iterator[str]) -> list[str]:
    seen = []
    deadline = time.monotonic() + PATIENCE_S
    for line in lines:
        seen.append(line)
        if re.search(pattern, line):
            return seen
        assert time.monotonic() < deadline
    raise AssertionError(f"{pattern} never came; told was {seen}")
