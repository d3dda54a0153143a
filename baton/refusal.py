"""How a command says no."""


class Refused(Exception):
    """The command was refused or failed; the text tells the person at the terminal why."""
