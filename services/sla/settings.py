"""What the three processes of the SLA service read from their environment."""

from datetime import timedelta

from pydantic import Field

from runtime.settings import ServiceSettings


class ClocksSettings(ServiceSettings):
    """Settings of the clocks."""


class FiringSettings(ServiceSettings):
    """Settings of the firing."""

    #: how often due clocks are looked for
    sla_scan_ms: int = Field(default=200, ge=1)
    #: most clocks of one transaction
    sla_fire_limit: int = Field(default=5_000, ge=1, le=50_000)


class WindowsSettings(ServiceSettings):
    """Settings of the windows."""

    #: length of the window whose signals are one notice
    sla_window_s: float = Field(default=60, gt=0)
    #: how long after a window's end its signals may still arrive to be told with it
    sla_grace_s: float = Field(default=2, ge=0)
    #: breaches of one stage and clinic that are a storm ...
    sla_storm_breaches: int = Field(default=20, ge=2)
    #: ... when they fall within this time
    sla_storm_s: float = Field(default=900, gt=0)
    #: end when there are signals and none was taken for so long; recovery of the tables takes part of it
    sla_windows_watchdog_s: float = Field(default=60, gt=0)

    @property
    def window(self) -> timedelta:
        """Length of the window whose signals are one notice."""
        return timedelta(seconds=self.sla_window_s)

    @property
    def grace(self) -> timedelta:
        """How long after a window's end its signals may still arrive to be told with it."""
        return timedelta(seconds=self.sla_grace_s)

    @property
    def storm_length(self) -> timedelta:
        """Time within which breaches are counted for a storm."""
        return timedelta(seconds=self.sla_storm_s)
