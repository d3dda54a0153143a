"""Parts of the deployment that are away: what the step waits for, and no record is to blame for."""

from typing import ClassVar


class InfrastructureUnavailable(Exception):
    """A part that the service works with is away; no record is to blame, and the same may go well later."""

    #: names the part to people and logs
    part: ClassVar[str] = "infrastructure"
