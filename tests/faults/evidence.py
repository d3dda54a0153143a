"""What a campaign knows when it is over: what senders were told, what topics and tables hold, what leaked or hung.

Nothing here comes from the product's own bookkeeping alone: each fact is seen from two sides, and the invariants
compare the sides.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Invariant(StrEnum):
    """What must hold however often anything is killed."""

    EXISTS_ONCE = "A"  #: every acknowledged referral exists once, every acknowledged command is answered
    NOTHING_UNSENT = "B"  #: nothing exists that nobody sent
    LEGAL_PATH = "C"  #: history is dense and legal, one current stage, an open referral has an owner, time and task
    ONCE_ON_TOPIC = "D"  #: each event id once on its public topic, in order per referral, the same as the tables
    ONE_DISPOSITION = "E"  #: each consumed record has exactly one fate
    CLOCKS = "F"  #: each clock fires or is cancelled, once, never early, in time; who is concerned is told once
    AUDIT = "G"  #: the audit chain verifies, one row a change
    NO_PHI = "H"  #: a canary is seen nowhere where no patient may be named
    PROGRESS = "I"  #: work goes on soon after each fault, nothing hangs


@dataclass(frozen=True, slots=True)
class Violation:
    """One fact that must not be."""

    invariant: Invariant
    what: str
    subject: str = ""


def digest_of(value: bytes | None) -> str:
    """Return a short name of a record's bytes."""
    return "none" if value is None else hashlib.sha256(value).hexdigest()[:16]


# ------------------------------------------------------------------ what senders and staff know


@dataclass(frozen=True, slots=True)
class Sent:
    """One message as its sender knows it, however often it was sent."""

    digest: str  #: SHA-256 of the bytes: who the message is, whatever ids the product gives it
    clinic: str
    #: referral ids that acknowledgements named, one entry per acknowledgement; empty text where none was named
    acknowledged: tuple[str, ...] = ()
    attempts: int = 1
    #: False for junk: it must not hurt, and may become a referral or not
    must_exist: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """One command as the person who gave it knows it."""

    command_id: str
    referral_id: str
    is_acknowledged: bool


@dataclass(frozen=True, slots=True)
class Planted:
    """A poisonous record that was put on a topic."""

    topic: str
    partition: int
    offset: int  #: negative where the broker did not confirm it
    kind: str
    key: str | None
    #: names the bytes, so that one that was not confirmed is recognised if it is there after all
    digest: str = ""


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """Everything the outside world knows."""

    sent: tuple[Sent, ...] = ()
    asked: tuple[Asked, ...] = ()
    planted: tuple[Planted, ...] = ()


# ------------------------------------------------------------------ what a subscriber saw


@dataclass(frozen=True, slots=True)
class Record:
    """One committed record of a topic."""

    topic: str  #: without the deployment's prefix
    partition: int
    offset: int
    key: str | None
    at: datetime  #: the record's timestamp
    event_id: str | None  #: None where the value could not be read
    values: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""  #: of the value's bytes


# ------------------------------------------------------------------ what the tables hold


@dataclass(frozen=True, slots=True)
class ReferralRow:
    """The current state of a referral (stager.referral)."""

    referral_id: str
    clinic_id: str
    stage: str
    stage_entry: int
    clock: str
    due_at: datetime | None
    remind_at: datetime | None
    owner_queue: str
    reason_code: str | None
    breached: bool
    sequence: int


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One change of a referral (stager.stage_history)."""

    referral_id: str
    sequence: int
    kind: str
    from_stage: str | None
    to_stage: str
    stage_entry: int
    cause_id: str


@dataclass(frozen=True, slots=True)
class MatchedRow:
    """A referral as the matcher keeps it (matcher.referral)."""

    referral_id: str
    submission_id: str
    patient_id: str
    clinic_id: str
    digest: str


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """A record that was not applied."""

    service: str
    topic: str
    partition: int
    offset: int
    state: str
    reason: str
    event_id: str | None


@dataclass(frozen=True, slots=True)
class ClockRow:
    """A clock of a stay in a stage (sla.clock)."""

    referral_id: str
    stage_entry: int
    kind: str
    fires_at: datetime
    state: str


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """What a queue was told (courier.notice)."""

    notice_id: str
    kind: str
    signal_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row of the audit chain, with every column that its hash covers."""

    chain_id: str
    position: int
    at: datetime
    actor: str
    actor_role: str
    action: str
    network_id: str
    clinic_id: str | None
    referral_id: str | None
    patient_id: str | None
    cause_id: str
    detail: str
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Tables:
    """The database after the campaign."""

    referrals: tuple[ReferralRow, ...] = ()
    history: tuple[HistoryRow, ...] = ()
    #: referral id -> number of open tasks
    open_tasks: Mapping[str, int] = field(default_factory=dict)
    matched: tuple[MatchedRow, ...] = ()
    #: submission id of a repeated transmission -> referral id it was taken for
    repeats: Mapping[str, str] = field(default_factory=dict)
    patients: frozenset[str] = frozenset()
    #: command id -> outcome
    commands: Mapping[str, str] = field(default_factory=dict)
    #: service -> event ids it has applied
    inbox: Mapping[str, frozenset[str]] = field(default_factory=dict)
    quarantine: tuple[QuarantineRow, ...] = ()
    clocks: tuple[ClockRow, ...] = ()
    notices: tuple[NoticeRow, ...] = ()
    audit: tuple[AuditRow, ...] = ()
    #: chain -> length and hash of its end
    chain_ends: Mapping[str, tuple[int, str]] = field(default_factory=dict)


# ------------------------------------------------------------------ what faults did


@dataclass(frozen=True, slots=True)
class Recovery:
    """How long work stood still after a fault was over."""

    fault: str
    ended_at: datetime
    #: None when the work did not go on while somebody watched
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Outage:
    """A span in which clocks may be late, because something they need was down."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How a consumer group stands when everything is over."""

    group: str
    topic: str
    partition: int
    committed: int
    end: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """All of it."""

    ledger: LedgerPage = LedgerPage()
    records: tuple[Record, ...] = ()
    tables: Tables = Tables()
    #: where the canary was seen, as places, never as content
    sightings: tuple[str, ...] = ()
    recoveries: tuple[Recovery, ...] = ()
    outages: tuple[Outage, ...] = ()
    standings: tuple[Standing, ...] = ()
    #: topic/partition of transactions that nobody ends
    hanging: tuple[str, ...] = ()
    #: what was waited for at the end, until nobody would wait any longer
    missed: tuple[str, ...] = ()
    #: longest standstill after a fault; None where only a standstill without end is a violation
    recovers_within_s: float | None = None
    ended_at: datetime | None = None
    #: whether event ids may come twice on a topic: after an EndTxn that arrived in a later transaction
    repeats_allowed: bool = False
    #: services that took part and keep an inbox, with the topics they consume
    consumed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    watches_clocks: bool = False
    watches_notices: bool = False
