"""What a service has to offer so that the exactly-once step can run it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import psycopg

from runtime.delivery import Delivery
from schemas.event import Event

#: id of the event that caused them -> the events it caused, in order
Outputs = Mapping[str, Sequence[Event]]


class Rejected(Exception):
    """One event of a batch can not be applied; it goes to quarantine and the others go on."""

    def __init__(self, event_id: str, reason: str) -> None:
        super().__init__(reason)
        self.event_id = event_id
        #: a short word for the quarantine row and the metrics; never content
        self.reason = reason


class Pipeline(Protocol):
    """A service as a function from events to events."""

    #: names the consumer group, the database schema and role, and the transactional id
    service: str
    consumes: tuple[type[Event], ...]
    produces: tuple[type[Event], ...]
    #: whether records of a key wait behind a quarantined one
    parks_by_key: bool
    #: False where outputs follow from the input alone and their consumer drops repeats
    keeps_inbox: bool

    def handle(self, connection: psycopg.Connection, batch: Sequence[Delivery]) -> Outputs:
        """Apply new events in order inside the step's transaction and return what they cause.

        Raises:
            Rejected: one of the events can not be applied.
        """
