"""What the matcher asks of its database; the seam between deciding and storing."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from schemas.vocabulary import ReviewDecision
from services.matcher.records import Changes, KnownReferral, Patient
from services.matcher.rules.transmission import Transmission

#: ids are only unique within their network, so each comes with it
InNetwork = tuple[str, str]


class MatcherTables(Protocol):
    """The matcher's tables as far as a batch needs them."""

    def patients(self, ids: Iterable[InNetwork], *, is_locked: bool = False) -> Sequence[Patient]:
        """Return patients by id, locked in order of id when asked to."""

    def blocks(self, keys: Iterable[tuple[str, int]], *, limit: int) -> Sequence[tuple[int, str]]:
        """Return the patients under each blocking key, at most `limit` of a key."""

    def decisions(self, ids: Iterable[InNetwork]) -> Mapping[str, Mapping[str, ReviewDecision]]:
        """Return what people decided about patients and others."""

    def transmissions(self, arriving: Sequence[tuple[str, Transmission]]) -> Sequence[tuple[str, Transmission]]:
        """Return the earlier messages that arriving ones could repeat, with their networks, in order of receipt."""

    def referrals(self, ids: Iterable[InNetwork]) -> Sequence[KnownReferral]:
        """Return referrals by id."""

    def save(self, changes: Changes) -> None:
        """Write what a batch changed."""
