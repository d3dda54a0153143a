"""Which facts a referral needs before it can leave intake, and which of them it lacks (R13)."""

from collections.abc import Collection
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Known:
    """Which of the required facts a referral has."""

    patient_name: bool
    date_of_birth: bool
    phone: bool
    specialty: bool
    referring_provider: bool
    reason: bool

    @property
    def all(self) -> bool:
        """Whether none of them is lacking."""
        return (
            self.patient_name
            and self.date_of_birth
            and self.phone
            and self.specialty
            and self.referring_provider
            and self.reason
        )


def missing_items(known: Known, *, troubles: Collection[MissingItem], channel: Channel) -> tuple[MissingItem, ...]:
    """Return what a referral lacks: required facts, and troubles of reading it, in the vocabulary's order."""
    if known.all and not troubles:
        return ()
    missing = {item for item in REQUIRED if not getattr(known, item.value)}
    missing.update(troubles)
    if channel in CALLED_BACK and missing:
        missing.add(MissingItem.CALL_BACK)
    return tuple(item for item in _ORDER if item in missing)
