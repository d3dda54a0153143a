"""A supervisor over two small programs, run as a process of its own: `python tiny_stack.py HOME`."""

import asyncio
import os
import sys
from pathlib import Path

from baton.stack.addresses import Addresses
from baton.stack.keeper import BackOff
from baton.stack.lock import HomeLock, StackAlreadyRunning
from baton.stack.part import Part
from baton.stack.paths import StackHome
from baton.stack.process import Command
from baton.stack.supervisor import Plan, Supervisor

NOWHERE = Addresses(kafka_bootstrap_servers="", schema_registry_url="", database_url="")
#: Writes down that it runs, starts a child of its own that ignores the end of its parent, and stays.
PROGRAM = """
import os, pathlib, signal, subprocess, sys
name, home, stubborn = sys.argv[1:]
if stubborn == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
def leave(number, frame):
    with open(f"{home}/order", "a") as order: order.write(f"{name}\\n")
    sys.exit(0)
if stubborn == "gentle":
    signal.signal(signal.SIGTERM, leave)
subprocess.Popen(["sleep", "1000.5"])
pathlib.Path(home, f"{name}.up").touch()
while True: signal.pause()
"""


def part(home: StackHome, name: str, manner: str) -> Part:
    return Part(
        name=name,
        command=Command(
            (sys.executable, "-c", PROGRAM, name, str(home.root), manner),
            log=home.log_of(name),
            environment=dict(os.environ),
        ),
        is_ready=(home.root / f"{name}.up").exists,
        grace_s=1.0,
    )


def main() -> None:
    home = StackHome(Path(sys.argv[1]))
    home.create()
    plan = Plan(
        addresses=NOWHERE,
        infrastructure=(part(home, "ground", "gentle"),),
        services=(part(home, "upper", "gentle"), part(home, "deaf", "stubborn")),
        back_off=BackOff(first_s=0.05),
    )
    try:
        with HomeLock(home.lock):
            asyncio.run(Supervisor(plan, home, pid=os.getpid()).run())
    except StackAlreadyRunning as refusal:
        sys.exit(str(refusal))


if __name__ == "__main__":
    main()
