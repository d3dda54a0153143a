"""The courier as a function from requested notices to what is told, each signal once."""

from collections import defaultdict
from collections.abc import Callable, Sequence

import psycopg

from runtime import metrics
from runtime.delivery import Delivery
from runtime.pipeline import Outputs
from schemas.event import Event
from schemas.events import NoticeRequested
from services.courier import store
from services.courier.rules.effects import NewEffect
from services.courier.rules.telling import Notice, new_part

SERVICE = "courier"


class Courier:
    """Writes notices for people, and effects for the sender where there is one."""

    service = SERVICE
    consumes: tuple[type[Event], ...] = (NoticeRequested,)
    produces: tuple[type[Event], ...] = ()
    # notices do not build on one another
    parks_by_key = False
    keeps_inbox = True

    def __init__(self, effects_of: Callable[[Notice], Sequence[NewEffect]]) -> None:
        self._effects_of = effects_of

    def handle(self, connection: psycopg.Connection, batch: Sequence[Delivery]) -> Outputs:
        """Tell what a batch of notices has to tell that was not told before."""
        requests = [(d, d.event) for d in batch if isinstance(d.event, NoticeRequested)]
        fresh = store.claim_signals(
            connection, [(s, request.kind, request.event_id) for _, request in requests for s in request.signal_ids]
        )
        told: defaultdict[str, set[str]] = defaultdict(set, fresh)
        parts = [(r, new_part(r, told[r.event_id], at=delivery.recorded_at)) for delivery, r in requests]
        notices = [notice for _, notice in parts if notice is not None]
        store.save(connection, notices, [effect for notice in notices for effect in self._effects_of(notice)])
        for request, notice in parts:
            metrics.NOTICES.labels(request.kind, "repeated" if notice is None else "told").inc()
        return {}
