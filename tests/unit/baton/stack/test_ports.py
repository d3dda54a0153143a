import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from baton.stack.lock import HomeLock
from baton.stack.paths import StackHome
from baton.stack.ports import HOST, choose_ports, is_free, recall_ports


@pytest.fixture
def usual() -> dict[str, int]:
    """Ports nobody uses now, below those the kernel hands to outgoing connections."""
    free = (port for port in range(20_111, 22_000, 7) if is_free(port) and is_free(port + 10_000))
    return {"broker": next(free), "board": next(free)}


@pytest.fixture
def home(tmp_path: Path) -> StackHome:
    home = StackHome(tmp_path / "home")
    home.create()
    return home


def test_usual_ports_are_used_when_free(home: StackHome, tmp_path: Path, usual: dict[str, int]) -> None:
    assert choose_ports(home, tmp_path / "cache", usual) == usual


def test_taken_port_is_replaced_and_the_choice_is_remembered(
    home: StackHome, tmp_path: Path, usual: dict[str, int]
) -> None:
    with socket.create_server((HOST, usual["broker"])):
        chosen = choose_ports(home, tmp_path / "cache", usual)
    again = choose_ports(home, tmp_path / "cache", usual)

    assert chosen["broker"] != usual["broker"]
    assert chosen["board"] == usual["board"]
    assert again == chosen == recall_ports(home)


def test_stacks_that_start_together_get_different_ports(tmp_path: Path, usual: dict[str, int]) -> None:
    homes = [StackHome(tmp_path / name) for name in ("one", "two")]
    with ExitStack() as held:
        for home in homes:
            home.create()
            held.enter_context(HomeLock(home.lock))
        first, second = (choose_ports(home, tmp_path / "cache", usual) for home in homes)

    assert not set(first.values()) & set(second.values())


def test_stopped_stack_keeps_no_port_from_others(tmp_path: Path, usual: dict[str, int]) -> None:
    homes = [StackHome(tmp_path / name) for name in ("one", "two")]
    for home in homes:
        home.create()

    first, second = (choose_ports(home, tmp_path / "cache", usual) for home in homes)

    assert first == second == usual


def test_two_names_never_share_a_port(home: StackHome, tmp_path: Path, usual: dict[str, int]) -> None:
    chosen = choose_ports(home, tmp_path / "cache", {"a": usual["broker"], "b": usual["broker"]})

    assert chosen["a"] != chosen["b"]
