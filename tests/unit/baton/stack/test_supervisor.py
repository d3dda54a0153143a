import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from baton.stack import control
from baton.stack.paths import StackHome
from baton.stack.state import PartRecord, Phase, read_state

TINY_STACK = Path(__file__).with_name("tiny_stack.py")
ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def home(tmp_path: Path) -> StackHome:
    return StackHome(tmp_path / "home")


@pytest.fixture
def supervisor(home: StackHome) -> Iterator[subprocess.Popen[bytes]]:
    process = launch(home)
    until(lambda: phase(home) is Phase.RUNNING)
    yield process
    process.terminate()
    process.wait(120)
    until(lambda: not left_over(home))


def test_killed_process_is_started_again(home: StackHome, supervisor: subprocess.Popen[bytes]) -> None:
    before = part(home, "upper")
    assert before.pid is not None

    os.kill(before.pid, signal.SIGKILL)

    until(lambda: part(home, "upper").pid not in (None, before.pid))
    assert part(home, "upper").restarts == 1


def test_what_a_killed_process_had_started_goes_with_it(home: StackHome, supervisor: subprocess.Popen[bytes]) -> None:
    pid = part(home, "upper").pid
    assert pid is not None
    (child,) = psutil.Process(pid).children()

    os.kill(pid, signal.SIGKILL)

    until(lambda: not child.is_running())


def test_killed_supervisor_leaves_no_process(home: StackHome, supervisor: subprocess.Popen[bytes]) -> None:
    family = psutil.Process(supervisor.pid).children(recursive=True)

    supervisor.kill()

    assert len(family) >= 6
    until(lambda: not any(alive(process) for process in family))


def test_stop_ends_everything_services_first(home: StackHome, supervisor: subprocess.Popen[bytes]) -> None:
    family = psutil.Process(supervisor.pid).children(recursive=True)

    stopped = control.stop(home, within_s=15)

    assert stopped
    assert supervisor.wait(120) == 0
    assert not any(alive(process) for process in family)
    assert (home.root / "order").read_text().split() == ["upper", "ground"]
    assert phase(home) is Phase.STOPPED


def test_second_stack_in_a_home_is_refused(home: StackHome, supervisor: subprocess.Popen[bytes]) -> None:
    second = subprocess.run(
        [sys.executable, str(TINY_STACK), str(home.root)], env=environment(), capture_output=True, text=True
    )

    assert second.returncode == 1
    assert second.stderr.strip() == (
        f"a stack already runs in {home.root} (process {supervisor.pid}); stop it with `baton down`"
    )


def test_stop_spares_a_process_that_only_inherited_the_number(home: StackHome) -> None:
    home.create()
    bystander = subprocess.Popen(["sleep", "1000.5"])
    home.lock.write_text(str(bystander.pid))

    stopped = control.stop(home)

    assert not stopped
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def launch(home: StackHome) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(TINY_STACK), str(home.root)], env=environment())


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def phase(home: StackHome) -> Phase | None:
    record = read_state(home.state)
    return record.phase if record else None


def part(home: StackHome, name: str) -> PartRecord:
    record = read_state(home.state)
    assert record is not None
    return next(part for part in record.parts if part.name == name)


def left_over(home: StackHome) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if str(home.root) in " ".join(words(process))]


def words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(condition: Callable[[], bool], within_s: float = 120) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.02)
