"""What the stager reads from its environment."""

from runtime.settings import ServiceSettings


class StagerSettings(ServiceSettings):
    """Settings of the stager."""

    #: `standard`, `demo` (minutes instead of days) or the path of a policy file
    sla_policy: str = "standard"
    #: how often the live gauge of R4 is counted
    invariant_every_s: float = 15.0
