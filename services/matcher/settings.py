"""The matcher's own variables."""

from pydantic import Field

from runtime.settings import ServiceSettings
from services.matcher.rules.decision import DUPLICATE_THRESHOLD


class MatcherSettings(ServiceSettings):
    """What the matcher needs to start."""

    #: score from which two patients go to the queue of possible duplicates
    matcher_duplicate_threshold: float = Field(default=DUPLICATE_THRESHOLD, gt=0, le=1)
    #: for how long the same content of the same source is a repeated transmission
    matcher_repeat_window_h: float = Field(default=24, ge=0)
