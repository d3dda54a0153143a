"""The embedded infrastructure as it starts: at odd places, with others at once, again; and as it is cut down."""

import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from baton.refusal import Refused
from baton.stack import control
from baton.stack.embedded import EmbeddedStack
from baton.stack.paths import StackHome
from baton.stack.ports import HOST, recall_ports
from tests.support.stack import ALONE, create_topic, outcome_of, part, processes_of, produce, read_all, register, until


def test_of_stacks_started_together_in_one_home_one_stays(tmp_path: Path) -> None:
    home = StackHome(tmp_path / "home")
    launched = [control.launch(home, ALONE, ("--infrastructure-only",), ends_with_caller=True) for _ in range(4)]
    with ThreadPoolExecutor(len(launched)) as threads:
        outcomes = list(threads.map(lambda one: outcome_of(home, one), launched))

    refusals = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    (winner,) = (one for one, outcome in zip(launched, outcomes, strict=True) if outcome is None)
    for loser in launched:
        if loser is not winner:
            loser.end()
    assert len(refusals) == 3
    assert all(str(refusal).startswith(f"a stack already runs in {home.root}") for refusal in refusals)
    assert control.running(home).supervisor_pid == winner.process.pid
    assert winner.end() == 0


def test_port_that_is_stolen_before_its_process_listens_is_replaced(tmp_path: Path) -> None:
    home = StackHome(tmp_path / "home")
    launched = control.launch(home, ALONE, ("--infrastructure-only",), ends_with_caller=True)
    until(lambda: "kafka" in recall_ports(home.ports))
    stolen = recall_ports(home.ports)["kafka"]
    with socket.create_server((HOST, stolen)):
        messages = {record.message for record in control.progress(home, launched)}
        running = control.running(home)

    launched.end()
    assert any(f"port {stolen} is taken by process {os.getpid()}" in message for message in messages)
    assert running.addresses.kafka_bootstrap_servers != f"{HOST}:{stolen}"


def test_restarted_stack_has_its_ports_and_its_data(tmp_path: Path) -> None:
    home = StackHome(tmp_path / "odd; näme, 'of' $1 = 100%20 #" / ("long-" * 20))
    with EmbeddedStack(home, ALONE) as first:
        given = register(first, "subject", '"string"')
        create_topic(first, "kept")
        produce(first, "kept", b"before")
        processes = [part(home, name).pid for name in ("kafka", "registry", "postgres")]

    still_there = [pid for pid in processes if pid is not None and psutil.pid_exists(pid)]
    with EmbeddedStack(home, ALONE) as second:
        again = register(second, "subject", '"string"')
        records = read_all(second, "kept")

    assert still_there == []
    assert second == first
    assert again == given
    assert records == [b"before"]
    assert processes_of(home) == []


def test_killed_supervisor_leaves_no_process(tmp_path: Path) -> None:
    home = StackHome(tmp_path / "home")
    with EmbeddedStack(home, ALONE):
        family = processes_of(home)
        os.kill(control.running(home).supervisor_pid, signal.SIGKILL)
        until(lambda: not processes_of(home))

    assert len(family) >= 4
