"""`baton demo`: play the synthetic network against a deployment that runs already."""

import os
import signal
import threading

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(demo)


def demo() -> None:
    """Play the synthetic network until Ctrl-C; DEMO_SEED sends the referrals of an earlier run."""
    from baton.demo import NEEDED, run
    from baton.target import target_environment

    environment = target_environment(os.environ, NEEDED)
    run(environment, _asked_to_stop())


def _asked_to_stop() -> threading.Event:
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        # from a thread of its own: the handler would wait for a lock that the main thread may hold
        signal.signal(number, lambda *_: threading.Thread(target=asked.set).start())
    return asked
