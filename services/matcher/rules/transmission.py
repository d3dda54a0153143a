"""When a message is the same transmission come again, and when only its content is (R14)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

REPEAT_WINDOW = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Transmission:
    """One message as it arrived."""

    submission_id: str
    referral_id: str
    fingerprint: str
    #: None where the message named nobody, so that two voicemails are never taken for one
    content_fingerprint: str | None
    received_at: datetime
    #: the message it repeated; such a message made no referral
    repeat_of: str | None = None


class Arrival(Enum):
    """What an arriving message is to those that came before."""

    FIRST = "first"
    REPEATED = "repeated"  #: the same transmission again: nothing happens
    SAME_CONTENT_LATER = "same_content_later"  #: the same words after the window: a referral of its own, to be noted


@dataclass(frozen=True, slots=True)
class ArrivalDecision:
    """What an arriving message is, and the earlier message that says so."""

    arrival: Arrival
    earlier: Transmission | None = None


FIRST = ArrivalDecision(Arrival.FIRST)


def judge_arrival(
    arriving: Transmission, earlier: Iterable[Transmission], *, window: timedelta = REPEAT_WINDOW
) -> ArrivalDecision:
    """Decide whether a message is the same transmission as an earlier one that made a referral.

    The window slides with the message and looks both ways, so that neither a bucket's edge nor a late
    delivery splits a repeated transmission; it is measured from messages that made a referral, so that
    a sender who repeats for ever does not hide a new one for ever.
    """
    later: Transmission | None = None
    # the same submission first: it is already kept, whatever else resembles it
    for known in sorted(earlier, key=lambda known: known.submission_id != arriving.submission_id):
        if known.submission_id == arriving.submission_id or _is_same_message(known, arriving):
            return ArrivalDecision(Arrival.REPEATED, known)
        if arriving.content_fingerprint is None or known.content_fingerprint != arriving.content_fingerprint:
            continue
        if abs(arriving.received_at - known.received_at) <= window:
            return ArrivalDecision(Arrival.REPEATED, known)
        later = known
    return FIRST if later is None else ArrivalDecision(Arrival.SAME_CONTENT_LATER, later)


def _is_same_message(known: Transmission, arriving: Transmission) -> bool:
    # the fingerprint includes the message id or digest; content that differs all the same is another message
    both_name_somebody = known.content_fingerprint is not None and arriving.content_fingerprint is not None
    is_other_content = both_name_somebody and known.content_fingerprint != arriving.content_fingerprint
    return known.fingerprint == arriving.fingerprint and not is_other_content
