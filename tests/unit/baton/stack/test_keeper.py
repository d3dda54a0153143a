import asyncio
import sys
from pathlib import Path

import pytest

from baton.stack.addresses import Addresses
from baton.stack.keeper import BackOff, Keeper
from baton.stack.part import Part
from baton.stack.paths import StackHome
from baton.stack.process import Command
from baton.stack.state import Phase, read_state
from baton.stack.supervisor import HOPELESS_AFTER, Plan, Supervisor

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
    plan = Plan(addresses=NOWHERE, infrastructure=(), preparation=(failing(home).command,))

    came_up = asyncio.run(Supervisor(plan, home, pid=1).run())

    record = read_state(home.state)
    assert not came_up
    assert record is not None
    assert record.message == "broken failed with code 3:\n    no such thing"


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


def failing(home: StackHome) -> Part:
    program = "import sys; sys.stderr.write('no such thing\\n'); sys.exit(3)"
    command = Command((sys.executable, "-S", "-c", program), log=home.log_of("broken"))
    return Part(name="broken", command=command, is_ready=lambda: False)
