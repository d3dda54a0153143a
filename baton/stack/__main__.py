"""The supervisor's own process: `python -m baton.stack [--infrastructure-only] [--replicas N]`.

People use `baton up`; it starts this in the background and watches the state file.
"""

import argparse
import asyncio
import os
import sys

from baton.stack.lock import HomeLock, StackAlreadyRunning
from baton.stack.paths import StackHome, cache_from, home_from
from baton.stack.plan import Site, make_plan, needs_java, take_ports
from baton.stack.ports import NoFreePort
from baton.stack.services import INFRASTRUCTURE_ONLY, Scope
from baton.stack.supervisor import PortsLost, Supervisor
from baton.stack.toolchain import Toolchain, ToolMissing, ensure_toolchain

ONLY_THE_OWNER = 0o077
MAX_CHOICES_OF_PORTS = 5


def main() -> None:
    """Hold the home's lock and run the stack in it until a signal comes."""
    scope = _scope()
    os.umask(ONLY_THE_OWNER)
    home = home_from(os.environ)
    home.create()
    try:
        with HomeLock(home.lock):
            home.empty_temporary()
            came_up = _supervise(home, scope)
    except (StackAlreadyRunning, ToolMissing, NoFreePort) as refusal:
        sys.exit(str(refusal))
    sys.exit(0 if came_up else 1)


def _supervise(home: StackHome, scope: Scope) -> bool:
    tools = ensure_toolchain(_say) if needs_java(os.environ) else Toolchain(java="", maven="")
    site = Site(home=home, cache=cache_from(os.environ), environment=dict(os.environ), tools=tools)
    message, lost_ports = "", frozenset[int]()
    for _ in range(MAX_CHOICES_OF_PORTS):
        with take_ports(site, scope, avoid=lost_ports) as ports:
            plan = make_plan(site, scope, ports.numbers)
            try:
                return asyncio.run(Supervisor(plan, home, pid=os.getpid(), message=message).run())
            except PortsLost as lost:
                message, lost_ports = f"{lost}; others are chosen", lost_ports | lost.ports
    raise NoFreePort(message)


def _scope() -> Scope:
    parser = argparse.ArgumentParser(prog="baton.stack", description=__doc__)
    parser.add_argument("--infrastructure-only", action="store_true")
    parser.add_argument("--replicas", type=int, default=1)
    options = parser.parse_args()
    return INFRASTRUCTURE_ONLY if options.infrastructure_only else Scope(replicas=options.replicas)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main()
