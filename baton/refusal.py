"""How a command says no."""

from pathlib import Path


class Refused(Exception):
    """The command was refused or failed; the text tells the person at the terminal why."""


class NoStackRuns(Refused):
    """Nothing runs in this home."""

    def __init__(self, home: Path) -> None:
        super().__init__(f"no stack runs in {home}; start one with `baton up`")
