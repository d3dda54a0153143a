"""Which facts a referral needs before it can leave intake, and which of them it lacks (R13)."""

from collections.abc import Collection
from typing import NamedTuple

from schemas.vocabulary import Channel, MissingItem

#: the policy: the fact, in the words of staff, that each referral needs
REQUIRED: tuple[MissingItem, ...] = (
    MissingItem.PATIENT_NAME,
    MissingItem.DATE_OF_BIRTH,
    MissingItem.PHONE,
    MissingItem.SPECIALTY,
    MissingItem.REFERRING_PROVIDER,
    MissingItem.REASON,
)
#: channels whose gaps are closed by calling back, because there is nothing to read again
CALLED_BACK = frozenset({Channel.VOICEMAIL})
_ORDER = tuple(MissingItem)


class Known(NamedTuple):
    """Which of the required facts a referral has."""

    patient_name: bool
    date_of_birth: bool
    phone: bool
    specialty: bool
    referring_provider: bool
    reason: bool


def missing_items(known: Known, *, troubles: Collection[MissingItem], channel: Channel) -> tuple[MissingItem, ...]:
    """Return what a referral lacks: required facts, and troubles of reading it, in the vocabulary's order."""
    if not troubles and all(known):
        return ()
    missing = {item for item in REQUIRED if not getattr(known, item.value)}
    missing.update(troubles)
    if channel in CALLED_BACK and missing:
        missing.add(MissingItem.CALL_BACK)
    return tuple(item for item in _ORDER if item in missing)
