"""How far the loop of a process has come; written by the loop, read by the watchdog's thread."""

import time
from collections.abc import Mapping

#: topic without the deployment's prefix, and partition
Place = tuple[str, int]


class Progress:
    """Marks that the loop leaves behind."""

    def __init__(self) -> None:
        self.committed_at = time.monotonic()
        self.busy_since: float | None = None
        #: when the Kafka transaction in hand has to be over; None while there is none
        self.over_at: float | None = None
        #: when the loop last came around; None until it runs
        self.turned_at: float | None = None
        #: the offset that reading has reached in each own partition
        self.reached: Mapping[Place, int] = {}

    def turned(self, reached: Mapping[Place, int]) -> None:
        """Note that the loop came around, and how far it has read."""
        self.turned_at = time.monotonic()
        self.reached = dict(reached)

    def begin(self) -> None:
        """Note that a batch is in hand."""
        self.busy_since = time.monotonic()

    def publishing(self, over_at: float) -> None:
        """Note that a Kafka transaction is in hand, and when it has to be over."""
        self.over_at = over_at

    def committed(self) -> None:
        """Note that a batch is done."""
        self.busy_since = self.over_at = None
        self.committed_at = time.monotonic()
