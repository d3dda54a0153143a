"""The earlier messages that a batch could repeat, kept current while the batch is decided in order."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from schemas.events import ReferralReceived
from services.matcher.rules.transmission import Transmission


class SeenTransmissions:
    """Earlier messages by what would tell that one comes again."""

    def __init__(self, earlier: Iterable[tuple[str, Transmission]]) -> None:
        self._by_mark: dict[tuple[str, str], dict[str, Transmission]] = defaultdict(dict)
        for network_id, transmission in earlier:
            self.add(network_id, transmission)

    def add(self, network_id: str, transmission: Transmission) -> None:
        """Remember a message."""
        for mark in _marks(transmission):
            self._by_mark[network_id, mark][transmission.submission_id] = transmission

    def similar_to(self, network_id: str, arriving: Transmission) -> Sequence[Transmission]:
        """Return the earlier messages that could be the same, the earliest first."""
        found: dict[str, Transmission] = {}
        for mark in _marks(arriving):
            found.update(self._by_mark.get((network_id, mark), {}))
        return sorted(found.values(), key=lambda known: (known.received_at, known.submission_id))


def transmission_of(event: ReferralReceived) -> Transmission:
    """Return what of a received referral tells a repeated transmission."""
    return Transmission(
        submission_id=event.submission_id,
        referral_id=event.referral_id,
        fingerprint=event.fingerprint,
        content_fingerprint=event.content_fingerprint,
        received_at=event.received_at,
    )


def _marks(transmission: Transmission) -> tuple[str, ...]:
    if transmission.repeat_of is not None:
        return (f"submission {transmission.submission_id}",)
    marks = (f"submission {transmission.submission_id}", f"fingerprint {transmission.fingerprint}")
    if transmission.content_fingerprint is None:
        return marks
    return (*marks, f"content {transmission.content_fingerprint}")
