import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from baton.stack.addresses import Addresses
from baton.stack.keeper import BackOff, Keeper
from baton.stack.part import Part
from baton.stack.paths import StackHome
from baton.stack.ports import HOST
from baton.stack.process import Command
from baton.stack.state import PartState, Phase, StackRecord, read_state
from baton.stack.supervisor import HOPELESS_AFTER, Plan, PortsLost, Supervisor
from baton.stack.vital_signs import VitalSigns

NOWHERE = Addresses(kafka_bootstrap_servers="", schema_registry_url="", database_url="")
QUICK = BackOff(first_s=0.01, longest_s=0.02)


def test_wait_doubles_up_to_the_longest() -> None:
    delays = [BackOff().delay(failures) for failures in (0, 1, 2, 5, 6, 1000)]

    assert delays == [0.2, 0.4, 0.8, 6.4, 10.0, 10.0]


def test_process_that_always_fails_stops_the_start_with_its_last_words(tmp_path: Path) -> None:
    home = StackHome(tmp_path / "home")
    home.create()
    plan = Plan(addresses=NOWHERE, infrastructure=(failing(home),), back_off=QUICK)

    came_up = asyncio.run(Supervisor(plan, home, pid=1).run())

    record = read_state(home.state)
    assert not came_up
    assert record is not None
    assert record.phase is Phase.FAILED
    assert "broken does not get ready: it ended with code 3" in record.message
    assert "no such thing" in record.message
    assert record.parts[0].restarts >= HOPELESS_AFTER


def test_failing_preparation_step_stops_the_start(tmp_path: Path) -> None:
    home = StackHome(tmp_path / "home")
    home.create()
    plan = Plan(addresses=NOWHERE, infrastructure=(), preparation=(failing(home).command,), back_off=QUICK)

    came_up = asyncio.run(Supervisor(plan, home, pid=1).run())

    record = read_state(home.state)
    assert not came_up
    assert record is not None
    assert record.message == f"broken failed with code 3:\n    no such thing\n    log: {home.log_of('broken')}"


def test_stop_while_preparing_ends_at_once(tmp_path: Path) -> None:
    async def forever() -> None:
        await asyncio.Event().wait()

    async def scenario() -> Keeper:
        command = Command(("true",), log=tmp_path / "log")
        part = Part(name="slow", command=command, is_ready=lambda: True, prepare=forever)
        keeper = Keeper(part, changed=lambda: None, back_off=QUICK)
        keeper.begin()
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await keeper.stop()
        return keeper

    keeper = asyncio.run(scenario())

    assert keeper.record().pid is None
    assert keeper.record().restarts == 0


@pytest.mark.parametrize("answer", [False, None])
def test_process_is_not_ready_before_it_says_so(tmp_path: Path, answer: bool | None) -> None:
    async def scenario() -> bool:
        def is_ready() -> bool:
            if answer is None:
                raise ConnectionRefusedError
            return answer

        command = Command(("sleep", "1000.5"), log=tmp_path / "log", environment={"PATH": "/usr/bin:/bin"})
        keeper = Keeper(Part(name="mute", command=command, is_ready=is_ready), changed=lambda: None, back_off=QUICK)
        keeper.begin()
        await asyncio.sleep(0.4)
        was_ready = keeper.ready.is_set()
        await keeper.stop()
        return was_ready

    assert asyncio.run(scenario()) is False


def test_service_that_never_starts_leaves_the_others_running(tmp_path: Path) -> None:
    home = StackHome(tmp_path / "home")
    home.create()
    plan = Plan(addresses=NOWHERE, infrastructure=(), services=(failing(home), staying(home)), back_off=QUICK)

    async def scenario() -> StackRecord | None:
        supervisor = asyncio.create_task(Supervisor(plan, home, pid=1).run())
        while (record := read_state(home.state)) is None or record.phase is not Phase.RUNNING:
            assert not supervisor.done()
            await asyncio.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)
        assert await supervisor
        return record

    record = asyncio.run(scenario())

    assert record is not None
    broken, stays = record.parts
    assert broken.last_end is not None
    assert broken.last_end.reason == "it ended with code 3 (no such thing)"
    assert broken.last_end.log == str(home.log_of("broken"))
    assert stays.state is PartState.RUNNING


def test_process_that_neither_works_nor_writes_is_started_again(tmp_path: Path) -> None:
    async def scenario() -> Keeper:
        command = Command(("sleep", "1000.5"), log=tmp_path / "log", environment={"PATH": "/usr/bin:/bin"})
        part = Part(name="hung", command=command, is_ready=lambda: False)
        keeper = Keeper(part, changed=lambda: None, back_off=QUICK, silent_for_s=0.3)
        keeper.begin()
        async with asyncio.timeout(60):
            while not keeper.restarts:
                await asyncio.sleep(0.02)
        await keeper.stop()
        return keeper

    end = asyncio.run(scenario()).last_end

    assert end is not None
    assert end.reason.startswith("it hung")


WORKS = "while True: pass"
WRITES = "import time\nwhile True: print(1, flush=True); time.sleep(.1)"


@pytest.mark.parametrize("program", [WORKS, WRITES])
def test_process_that_works_or_writes_is_waited_for(tmp_path: Path, program: str) -> None:
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-S", "-c", program], stdout=output)
    signs = VitalSigns(process.pid, log)
    deadline = time.monotonic() + 4.0
    silent = []
    while time.monotonic() < deadline:
        silent.append(signs.is_silent(for_s=3.0))
        time.sleep(0.05)
    process.kill()
    process.wait()

    assert not any(silent)


def test_start_that_finds_its_port_taken_says_whose_it_is(tmp_path: Path) -> None:
    home = StackHome(tmp_path / "home")
    home.create()
    with socket.create_server((HOST, 0)) as thief:
        port = thief.getsockname()[1]
        plan = Plan(addresses=NOWHERE, infrastructure=(replace(failing(home), ports=(port,)),), back_off=QUICK)

        with pytest.raises(PortsLost, match=f"port {port} is taken by process {os.getpid()} .* of user"):
            asyncio.run(Supervisor(plan, home, pid=1).run())


def staying(home: StackHome) -> Part:
    command = Command(("sleep", "1000.5"), log=home.log_of("stays"), environment={"PATH": "/usr/bin:/bin"})
    return Part(name="stays", command=command, is_ready=lambda: True)


def failing(home: StackHome) -> Part:
    program = "import sys; sys.stderr.write('no such thing\\n'); sys.exit(3)"
    command = Command((sys.executable, "-S", "-c", program), log=home.log_of("broken"))
    return Part(name="broken", command=command, is_ready=lambda: False)
