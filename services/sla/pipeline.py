"""The clocks as a function from changes of referrals to rows of sla.clock."""

from collections.abc import Sequence

import psycopg

from runtime.delivery import Delivery
from runtime.pipeline import Outputs
from schemas.event import Event
from schemas.events import ReferralChanged
from schemas.vocabulary import SignalKind
from services.sla import store
from services.sla.rules.clocks import SlaClock, Stay, follow
from services.sla.store import ReferralKey

SERVICE = "sla"
ClockKey = tuple[str, str, int, SignalKind]


class Clocks:
    """Follows the stays of referrals and keeps their clocks; tells nobody."""

    service = SERVICE
    consumes: tuple[type[Event], ...] = (ReferralChanged,)
    produces: tuple[type[Event], ...] = ()
    parks_by_key = True
    keeps_inbox = True

    def handle(self, connection: psycopg.Connection, batch: Sequence[Delivery]) -> Outputs:
        """Follow a batch of changes in order and write the clocks that came out."""
        changes = [d.event for d in batch if isinstance(d.event, ReferralChanged)]
        stays = store.load_stays(connection, map(_referral_key, changes))
        touched = follow_all(stays, changes)
        store.save_stays(connection, stays, touched)
        return {}


def follow_all(stays: dict[ReferralKey, Stay], changes: Sequence[ReferralChanged]) -> list[SlaClock]:
    """Move stays on by changes in order and return the last version of every clock that changed."""
    touched: dict[ClockKey, SlaClock] = {}
    for change in changes:
        key = _referral_key(change)
        stays[key], clocks = follow(stays.get(key, Stay()), change)
        for clock in clocks:
            touched[clock.network_id, clock.referral_id, clock.stage_entry, clock.kind] = clock
    return [touched[key] for key in sorted(touched)]


def _referral_key(change: ReferralChanged) -> ReferralKey:
    return change.network_id, change.referral_id
