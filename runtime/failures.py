"""Count what fails without a rule refusing it, by its cause, and tell a broken service from one that somebody troubles.

Whatever one sender or one person says, the others go on: that alone never stops the service, however often it fails.
"""

from dataclasses import dataclass, field

import structlog

from runtime.delivery import Delivery
from runtime.logs import place_of

log = structlog.get_logger()

#: so many failures of one cause, with nothing that went well in between, are worth a word or an end
FAILURES_IN_A_ROW = 50
#: a cause that strikes so many unrelated senders in so many clinics is the service's fault, not theirs
SENDERS_OF_A_FAULT = 3
CLINICS_OF_A_FAULT = 2

#: kind of error, and where it was raised
Cause = tuple[str, str | None]


class TooManyFailures(Exception):
    """The same failure strikes whoever sends: the service stops before it puts everything into quarantine."""


@dataclass
class _Victims:
    """Whom one cause has struck."""

    failures: int = 0
    senders: set[tuple[str, str]] = field(default_factory=set)
    clinics: set[tuple[str, str | None]] = field(default_factory=set)

    def add(self, delivery: Delivery) -> None:
        self.failures += 1
        network = str(getattr(delivery.event, "network_id", ""))
        if len(self.senders) < SENDERS_OF_A_FAULT:
            self.senders.add((network, _sender_of(delivery)))
        if len(self.clinics) < CLINICS_OF_A_FAULT:
            # what names no clinic counts for its network, so that one network's people never stop the others
            self.clinics.add((network, getattr(delivery.event, "clinic_id", None)))

    @property
    def are_unrelated(self) -> bool:
        return len(self.senders) >= SENDERS_OF_A_FAULT and len(self.clinics) >= CLINICS_OF_A_FAULT


class Failures:
    """The failures since a record last went well."""

    def __init__(self) -> None:
        self._by_cause: dict[Cause, _Victims] = {}

    def went_well(self) -> None:
        """Forget what failed: the service works."""
        self._by_cause.clear()

    def add(self, delivery: Delivery, error: Exception) -> None:
        """Count a record that failed.

        Raises:
            TooManyFailures: its cause strikes whoever sends.
        """
        kind, place = type(error).__name__, place_of(error)
        victims = self._by_cause.setdefault((kind, place), _Victims())
        victims.add(delivery)
        if victims.failures >= FAILURES_IN_A_ROW and victims.are_unrelated:
            raise TooManyFailures
        if victims.failures % FAILURES_IN_A_ROW == 0:
            log.error("failures_of_few_senders", error_type=kind, error_at=place, failures=victims.failures)


def _sender_of(delivery: Delivery) -> str:
    event = delivery.event
    return str(getattr(event, "by_user", None) or getattr(event, "source", None) or delivery.key)
