"""Accept arrivals: the bytes become durable, then the event does, and only then is anybody told."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import structlog

from runtime.clock import Clock
from runtime.document_store import DocumentStore, DocumentStoreUnavailable
from runtime.failpoints import failpoint
from runtime.kafka import PublishFailed
from runtime.metrics import SUBMISSIONS
from schemas.event import Event
from schemas.ids import referral_id_of
from services.intake.channels.arrival import Arrival
from services.intake.channels.refusal import Refusal, RefusalCode

#: arrivals that become durable together; more only makes the first of them wait
MOST_AT_ONCE = 200
#: bytes that do so; a few large faxes must not wait for one another
LARGEST_AT_ONCE = 64_000_000
MOST_WAITING = 1_000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a sender is told; ids only."""

    submission_id: str
    referral_id: str


class Publishes(Protocol):
    """What the acceptor needs of a publisher."""

    def __call__(self, events: Sequence[Event]) -> None:
        """Publish all and return when the broker has them.

        Raises:
            PublishFailed: at least one was not confirmed.
        """


@dataclass(frozen=True, slots=True)
class _Request:
    arrivals: Sequence[Arrival]
    answer: "Future[tuple[Accepted, ...]]"

    @property
    def size(self) -> int:
        return sum(len(a.content) + sum(map(len, a.attachments)) for a in self.arrivals)


class Acceptor:
    """The one way in for all channels; arrivals that come at the same time share the cost of being durable."""

    def __init__(
        self,
        store: DocumentStore,
        publish: Publishes,
        clock: Clock,
        *,
        on_success: Callable[[], None] = lambda: None,
        on_trouble: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._publish = publish
        self._clock = clock
        self._on_success = on_success
        self._on_trouble = on_trouble
        self._waiting: queue.Queue[_Request | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._work, name="accept", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self) -> None:
        """Finish what was begun and end."""
        self._waiting.put(None)
        self._thread.join()

    def begin(self, arrivals: Sequence[Arrival]) -> "Future[tuple[Accepted, ...]]":
        """Hand arrivals over and return where the answer will be; it is a refusal when they could not be kept.

        Raises:
            Refusal: too much is waiting.
        """
        request = _Request(arrivals, Future())
        try:
            self._waiting.put_nowait(request)
        except queue.Full:
            raise Refusal(RefusalCode.UNAVAILABLE) from None
        return request.answer

    def accept(self, arrivals: Sequence[Arrival]) -> tuple[Accepted, ...]:
        """Accept arrivals and return when they are durable; again after a refusal, nothing happens twice.

        Raises:
            Refusal: whether they are kept is unknown.
        """
        accepted: list[Accepted] = []
        for start in range(0, len(arrivals), MOST_AT_ONCE):
            accepted += self.begin(arrivals[start : start + MOST_AT_ONCE]).result()
        return tuple(accepted)

    def _work(self) -> None:
        is_over = False
        while not is_over:
            first = self._waiting.get()
            batch = [first, *self._company()] if first is not None else [None]
            is_over = None in batch
            # whoever hung up in the meantime is not waited for
            self._settle([r for r in batch if r is not None and r.answer.set_running_or_notify_cancel()])

    def _company(self) -> Iterator[_Request | None]:
        arrivals = size = 0
        while arrivals < MOST_AT_ONCE and size < LARGEST_AT_ONCE:
            try:
                request = self._waiting.get_nowait()
            except queue.Empty:
                return
            yield request
            if request is None:
                return
            arrivals += len(request.arrivals)
            size += request.size

    def _settle(self, requests: Sequence[_Request]) -> None:
        try:
            accepted = iter(self._make_durable([arrival for request in requests for arrival in request.arrivals]))
        except (DocumentStoreUnavailable, PublishFailed) as error:
            log.warning("not_accepted", error=error, requests=len(requests))
            _refuse(requests)
            self._on_trouble()
        except Exception as error:  # noqa: BLE001 - whichever it was must not keep the others out
            log.error("accepting_failed", error=error, requests=len(requests))
            self._settle_one_by_one(requests)
        else:
            self._on_success()
            for request in requests:
                request.answer.set_result(tuple(islice(accepted, len(request.arrivals))))

    def _settle_one_by_one(self, requests: Sequence[_Request]) -> None:
        if len(requests) == 1:
            _refuse(requests)
            self._on_trouble()
            return
        for request in requests:
            self._settle([request])

    def _make_durable(self, arrivals: Sequence[Arrival]) -> list[Accepted]:
        attachments = [data for arrival in arrivals for data in arrival.attachments]
        digests = self._store.put_all([*attachments, *(arrival.content for arrival in arrivals)])[len(attachments) :]
        failpoint("channels.after_store")
        now = self._clock.now()
        events = [arrival.submitted(digest, now) for arrival, digest in zip(arrivals, digests, strict=True)]
        self._publish(events)
        failpoint("channels.after_publish")
        for arrival in arrivals:
            SUBMISSIONS.labels(arrival.channel, "accepted").inc()
        return [Accepted(event.submission_id, referral_id_of(event.submission_id)) for event in events]


def _refuse(requests: Sequence[_Request]) -> None:
    for request in requests:
        request.answer.set_exception(Refusal(RefusalCode.UNAVAILABLE))
