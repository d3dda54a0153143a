"""Invariant F: each clock fires or is cancelled, once, never early, and late only while something it needs was down."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.faults.evidence import Evidence, Invariant, Outage, Record, Violation

CHANGED = "referral.changed.v1"
SIGNALLED = "sla.signalled.v1"
LATE = timedelta(seconds=5)
#: clocks of processes on one machine are read at different moments
EARLY = timedelta(milliseconds=50)
FACT_OF = {"reminder": "reminded", "breach": "breached"}

Stay = tuple[str, int]


@dataclass
class Told:
    """What the public topic told of one stay in a stage."""

    #: kind -> time it was announced to fire, and when that was recorded; None where the clock does not run
    last: dict[str, tuple[datetime, datetime] | None] = field(default_factory=dict)
    #: every time that was ever announced
    times: set[datetime] = field(default_factory=set)
    left_at: datetime | None = None
    breached_at: datetime | None = None
    is_parked: bool = False
    facts: Counter[str] = field(default_factory=Counter)


def wrong_clocks(evidence: Evidence) -> Iterator[Violation]:
    """Yield clocks that fired early, late, twice, for nothing or not at all."""
    if not evidence.watches_clocks or evidence.ended_at is None:
        return
    stays = _stays(evidence.records)
    waiting = {row.event_id for row in evidence.tables.quarantine}
    signals: defaultdict[tuple[Stay, str], list[Record]] = defaultdict(list)
    for record in evidence.records:
        if record.topic == SIGNALLED and record.event_id is not None:
            stay = (str(record.values["referral_id"]), int(record.values["stage_entry"]))
            signals[stay, str(record.values["kind"])].append(record)
            if record.event_id in waiting:
                # parked behind a poisonous record of the same referral: a person has to act before it is heard
                stays.setdefault(stay, Told()).is_parked = True
    for (stay, kind), records in signals.items():
        for what in _signal_problems(stays.get(stay, Told()), kind, records, evidence.outages):
            yield _wrong(what, stay, kind)
    for stay, told in stays.items():
        for what, kind in _stay_problems(told, stay, signals.keys(), evidence.outages, evidence.ended_at):
            yield _wrong(what, stay, kind)
    yield from _row_problems(evidence, signals.keys(), stays, evidence.ended_at)


def _stays(records: Sequence[Record]) -> dict[Stay, Told]:
    stays: defaultdict[Stay, Told] = defaultdict(Told)
    seen: set[str | None] = set()
    changed = (r for r in records if r.topic == CHANGED and r.event_id is not None)
    for record in sorted(changed, key=lambda r: int(r.values["sequence"])):
        if record.event_id in seen:
            continue
        seen.add(record.event_id)
        values = record.values
        stay = (str(values["referral_id"]), int(values["stage_entry"]))
        if stay not in stays and stay[1] > 1:
            stays[stay[0], stay[1] - 1].left_at = values["recorded_at"]
        _announce(stays[stay], record)
    return dict(stays)


def _announce(told: Told, record: Record) -> None:
    values = record.values
    told.facts[str(values["kind"])] += 1
    if values["kind"] == "breached":
        told.breached_at = values["recorded_at"]
    for kind, at in (("reminder", values["remind_at"]), ("breach", values["due_at"])):
        runs = at is not None and values["clock"] == "running"
        known = told.last.get(kind)
        if told.facts[FACT_OF[kind]]:
            # it was heard: this stay is not reminded of, and not breached, a second time
            continue
        if runs:
            told.times.add(at)
        if known is None or not runs or known[0] != at:
            told.last[kind] = (at, values["recorded_at"]) if runs else None


def _signal_problems(told: Told, kind: str, records: Sequence[Record], outages: Sequence[Outage]) -> Iterator[str]:
    rounds = {record.event_id: record.values["fires_at"] for record in records}
    if len(rounds) > len(set(rounds.values())):
        yield "fired twice"
    first = min(records, key=lambda record: record.values["fired_at"])
    fires_at, fired_at = first.values["fires_at"], first.values["fired_at"]
    if fires_at not in told.times:
        yield "fired for a time that was never announced"
        return
    if fired_at < fires_at - EARLY:
        yield "fired early"
    armed = told.last.get(kind)
    base = max(fires_at, armed[1]) if armed is not None and armed[0] == fires_at else fires_at
    if fired_at > excused_until(base, outages):
        yield "fired late"
    if told.left_at is not None and fires_at > told.left_at and fired_at > excused_until(told.left_at, outages):
        yield "fired for a stage that was left"


def excused_until(base: datetime, outages: Sequence[Outage]) -> datetime:
    """Return the last moment at which something due at `base` may happen: in time, or soon after the outages it met."""
    limit = base + LATE
    for outage in sorted(outages, key=lambda outage: outage.begin):
        if outage.begin <= limit and outage.end >= base:
            limit = max(limit, outage.end + LATE)
    return limit


def _stay_problems(
    told: Told,
    stay: Stay,
    fired: Set[tuple[Stay, str]],
    outages: Sequence[Outage],
    ended_at: datetime,
) -> Iterator[tuple[str, str]]:
    for kind, armed in told.last.items():
        fact = FACT_OF[kind]
        if told.facts[fact] > 1:
            yield "applied twice", kind
        is_fired = (stay, kind) in fired
        if told.facts[fact] and not is_fired:
            yield "applied without a signal", kind
        if armed is None:
            continue
        limit = excused_until(max(armed), outages)
        # a reminder of what is breached already would tell nobody anything
        over_at = min(filter(None, (told.left_at, ended_at, told.breached_at if kind == "reminder" else None)))
        if limit < over_at and not is_fired:
            yield "never fired", kind
        elif kind == "breach" and is_fired and _is_unheard(told, limit, ended_at):
            yield "fired, but never applied", kind


def _is_unheard(told: Told, limit: datetime, ended_at: datetime) -> bool:
    goes_on = told.left_at is None and limit + LATE < ended_at
    return goes_on and not told.is_parked and not told.facts["breached"]


def _row_problems(
    evidence: Evidence, fired: Set[tuple[Stay, str]], stays: dict[Stay, Told], ended_at: datetime
) -> Iterator[Violation]:
    rows = Counter(((row.referral_id, row.stage_entry), row.kind) for row in evidence.tables.clocks)
    for (stay, kind), count in rows.items():
        if count > 1:
            yield _wrong("kept twice", stay, kind)
    for row in evidence.tables.clocks:
        stay = (row.referral_id, row.stage_entry)
        is_fired = (stay, row.kind) in fired
        if row.state == "fired" and not is_fired:
            yield _wrong("marked as fired without a signal", stay, row.kind)
        if row.state == "armed" and excused_until(row.fires_at, evidence.outages) < ended_at:
            yield _wrong("due and still armed", stay, row.kind)
        if row.state == "armed" and stay in stays and stays[stay].left_at is not None:
            yield _wrong("armed for a stage that was left", stay, row.kind)


def _wrong(what: str, stay: Stay, kind: str) -> Violation:
    return Violation(Invariant.CLOCKS, what, f"{stay[0]}/{stay[1]} {kind}")
