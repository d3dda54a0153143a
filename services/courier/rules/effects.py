"""What leaves Baton for a notice, and what becomes of an attempt to send it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

from schemas.ids import named_id
from services.courier.rules.telling import Notice

MAX_ATTEMPTS = 10
FIRST_DELAY = timedelta(seconds=5)
LONGEST_DELAY = timedelta(hours=1)


class Transport(StrEnum):
    """The way something leaves Baton."""

    MAIL = "mail"
    WEBHOOK = "webhook"


class EffectState(StrEnum):
    """What became of an effect."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"  #: the receiver refused it for good
    GIVEN_UP = "given_up"  #: tried too often


class Verdict(StrEnum):
    """What an attempt says about the next one."""

    SENT = "sent"
    LATER = "later"  #: may work another time
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended; `code` is a short word, never what the receiver said."""

    verdict: Verdict
    code: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewEffect:
    """An effect to be sent; field names are the column names."""

    effect_id: str
    network_id: str
    notice_id: str
    transport: Transport
    address: str
    state: EffectState
    next_attempt_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Next:
    """The state of an effect after an attempt, and when it is tried again."""

    state: EffectState
    at: datetime


#: pattern of queue names -> mail addresses
Recipients = Mapping[str, Sequence[str]]


def effects_of(notice: Notice, *, recipients: Recipients, webhook: str | None) -> list[NewEffect]:
    """Return what leaves Baton for a notice: a mail to each address of its queue, a call of the webhook."""
    mails = dict.fromkeys(
        address
        for pattern, addresses in recipients.items()
        if fnmatchcase(notice.recipient_queue, pattern)
        for address in addresses
    )
    targets = [(Transport.MAIL, address) for address in mails]
    if webhook is not None:
        targets.append((Transport.WEBHOOK, webhook))
    return [
        NewEffect(
            effect_id=named_id("effect", notice.notice_id, transport, address),
            network_id=notice.network_id,
            notice_id=notice.notice_id,
            transport=transport,
            address=address,
            state=EffectState.PENDING,
            next_attempt_at=notice.created_at,
            created_at=notice.created_at,
        )
        for transport, address in targets
    ]


def after_attempt(outcome: Outcome, *, attempts: int, now: datetime) -> Next:
    """Return what becomes of an effect after its attempts so far, the last one included."""
    if outcome.verdict is Verdict.SENT:
        return Next(EffectState.SENT, now)
    if outcome.verdict is Verdict.NEVER:
        return Next(EffectState.FAILED, now)
    if attempts >= MAX_ATTEMPTS:
        return Next(EffectState.GIVEN_UP, now)
    return Next(EffectState.PENDING, now + min(FIRST_DELAY * 2 ** (attempts - 1), LONGEST_DELAY))
