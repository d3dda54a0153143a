"""Each referral gets its patient: one that is surely the same, or a new one, with doubts put before a person."""

from collections.abc import Sequence
from datetime import timedelta

import psycopg

from runtime.audit import append_audit
from runtime.automation_log import append_automation_log
from runtime.delivery import Delivery
from runtime.pipeline import Outputs
from schemas.event import Event
from schemas.events import PatientCorrected, ReferralMatched, ReferralReceived
from services.matcher.arrivals import receive
from services.matcher.batch import SERVICE_NAME, BatchInHand, Policy, open_batch
from services.matcher.corrections import correct
from services.matcher.records import Changes
from services.matcher.settings import MatcherSettings
from services.matcher.store import PostgresTables
from services.matcher.tables import MatcherTables


class Matcher:
    """The matcher as a function from events to events."""

    service = SERVICE_NAME
    consumes: tuple[type[Event], ...] = (ReferralReceived, PatientCorrected)
    produces: tuple[type[Event], ...] = (ReferralMatched,)
    # a key is a whole family of names: one bad record must not hold up everybody who is called alike
    parks_by_key = False
    keeps_inbox = True

    def __init__(self, policy: Policy, *, instance: str) -> None:
        self._policy = policy
        self._audit_chain = f"{SERVICE_NAME}-{instance}"

    def handle(self, connection: psycopg.Connection, batch: Sequence[Delivery]) -> Outputs:
        """Match a batch in order and write what it changed.

        Raises:
            Rejected: a correction names a patient or referral that is not known here.
        """
        tables = PostgresTables(connection)
        outputs, changes = match_batch(tables, batch, self._policy)
        tables.save(changes)
        append_audit(connection, self._audit_chain, changes.audit)
        append_automation_log(connection, SERVICE_NAME, changes.automation)
        return outputs


def make_matcher(settings: MatcherSettings) -> Matcher:
    """Return the matcher as its settings want it."""
    policy = Policy(
        duplicate_threshold=settings.matcher_duplicate_threshold,
        repeat_window=timedelta(hours=settings.matcher_repeat_window_h),
    )
    return Matcher(policy, instance=settings.instance)


def match_batch(tables: MatcherTables, deliveries: Sequence[Delivery], policy: Policy) -> tuple[Outputs, Changes]:
    """Decide a batch in order, as if each record came alone; nothing is written."""
    batch = open_batch(tables, deliveries, policy)
    outputs = {delivery.event_id: _decide(batch, delivery) for delivery in deliveries}
    return outputs, batch.changes


def _decide(batch: BatchInHand, delivery: Delivery) -> Sequence[Event]:
    event = delivery.event
    if isinstance(event, ReferralReceived):
        return receive(batch, delivery, event)
    if isinstance(event, PatientCorrected):
        return correct(batch, delivery, event)
    raise TypeError(type(event).__name__)
