import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from baton.stack.ports import HOST, HeldPort, hold_ports, is_free, recall_ports

#: Holds a port as a stack of another user does, says so, and waits to be killed.
OTHER_STACK = """
import os, sys
from baton.stack.ports import HeldPort
if os.geteuid() == 0:
    os.setuid(65534)
port = HeldPort(int(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def usual() -> dict[str, int]:
    """Ports nobody uses now, below those the kernel hands to outgoing connections."""
    free = (port for port in range(20_111, 22_000, 7) if is_free(port) and is_free(port + 10_000))
    return {"broker": next(free), "board": next(free)}


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path / "ports.json"


def test_usual_ports_are_used_when_free(memory: Path, usual: dict[str, int]) -> None:
    with hold_ports(memory, usual) as ports:
        assert ports.numbers == usual


def test_taken_port_is_replaced_and_the_choice_is_remembered(memory: Path, usual: dict[str, int]) -> None:
    with socket.create_server((HOST, usual["broker"])), hold_ports(memory, usual) as ports:
        chosen = ports.numbers
    with hold_ports(memory, usual) as again:
        assert again.numbers == chosen == recall_ports(memory)

    assert chosen["broker"] != usual["broker"]
    assert chosen["board"] == usual["board"]


def test_stacks_that_start_together_get_different_ports(tmp_path: Path, usual: dict[str, int]) -> None:
    with hold_ports(tmp_path / "one", usual) as first, hold_ports(tmp_path / "two", usual) as second:
        assert not set(first.numbers.values()) & set(second.numbers.values())


def test_port_of_another_users_stack_is_left_alone_though_nothing_listens_there(usual: dict[str, int]) -> None:
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    command = (sys.executable, "-c", OTHER_STACK, str(usual["broker"]))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        during = is_free(usual["broker"])
        other.kill()

    assert not during
    assert is_free(usual["broker"])


def test_stopped_stack_keeps_no_port_from_others(tmp_path: Path, usual: dict[str, int]) -> None:
    with hold_ports(tmp_path / "one", usual) as ports:
        first = ports.numbers
    with hold_ports(tmp_path / "two", usual) as ports:
        second = ports.numbers

    assert first == second == usual


def test_two_names_never_share_a_port(memory: Path, usual: dict[str, int]) -> None:
    with hold_ports(memory, {"a": usual["broker"], "b": usual["broker"]}) as ports:
        assert ports.numbers["a"] != ports.numbers["b"]


def test_held_port_is_kept_from_other_programs_and_free_for_the_stacks_own(usual: dict[str, int]) -> None:
    held = HeldPort(usual["broker"])

    with socket.socket() as foreign, pytest.raises(OSError, match="in use"):
        foreign.bind((HOST, held.number))
    for _ in ("started", "started again"):
        with socket.create_server((HOST, held.number)):
            pass
    held.close()


def test_any_port_can_be_held(usual: dict[str, int]) -> None:
    one, other = HeldPort(0), HeldPort(0)

    assert one.number != other.number
    one.close()
    other.close()
