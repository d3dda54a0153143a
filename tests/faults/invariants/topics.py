"""Invariant D: public topics tell each fact once, in order, and tell what the tables say."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from tests.faults.evidence import Evidence, Invariant, Record, Violation

CHANGED = "referral.changed.v1"
STATE = "referral.state.v1"
#: made inside Kafka transactions; the firing of clocks and its notices repeat after a crash, by design
TRANSACTIONAL = (CHANGED, STATE, "referral.matched.v1")


def wrong_on_topics(evidence: Evidence) -> Iterator[Violation]:
    """Yield records that repeat, come out of order or disagree with the tables."""
    if not evidence.repeats_allowed:
        yield from _repeats(evidence.records)
    changed = [r for r in evidence.records if r.topic == CHANGED and r.event_id is not None]
    yield from _unreadable(evidence)
    yield from _renamed(evidence.records)
    yield from _order(_first_times(changed))
    yield from _against_tables(evidence, changed)
    yield from _states(evidence)


def count_repeats(records: Sequence[Record]) -> dict[str, int]:
    """Return how many records of each topic only repeat an event id."""
    return {
        topic: len(ids) - len(set(ids))
        for topic in sorted({r.topic for r in records})
        if (ids := [r.event_id for r in records if r.topic == topic and r.event_id is not None])
    }


def _repeats(records: Sequence[Record]) -> Iterator[Violation]:
    counts = Counter((r.topic, r.event_id) for r in records if r.topic in TRANSACTIONAL and r.event_id is not None)
    for (topic, event_id), count in counts.items():
        if count > 1:
            yield _wrong(f"an event is {count} times on {topic}", str(event_id))


def _renamed(records: Sequence[Record]) -> Iterator[Violation]:
    names: defaultdict[tuple[str, str, int], set[str]] = defaultdict(set)
    for record in records:
        # a second opening is a second referral, and the affair of invariant A
        if record.topic in (CHANGED, STATE) and record.event_id is not None and record.values.get("kind") != "opened":
            place = (record.topic, str(record.values["referral_id"]), int(record.values["sequence"]))
            names[place].add(record.event_id)
    for (topic, referral_id, sequence), ids in names.items():
        if len(ids) > 1:
            yield _wrong(f"one fact under {len(ids)} event ids on {topic}", f"{referral_id}/{sequence}")


def _unreadable(evidence: Evidence) -> Iterator[Violation]:
    planted = {(poison.topic, poison.key, poison.digest) for poison in evidence.ledger.planted}
    for record in evidence.records:
        if record.event_id is None and (record.topic, record.key, record.digest) not in planted:
            yield _wrong(f"a subscriber can not read a record of {record.topic}", _place(record))


def _first_times(records: Sequence[Record]) -> list[Record]:
    seen: dict[str | None, Record] = {}
    for record in records:
        seen.setdefault(record.event_id, record)
    return list(seen.values())


def _order(changed: Sequence[Record]) -> Iterator[Violation]:
    by_referral: defaultdict[str, list[Record]] = defaultdict(list)
    for record in sorted(changed, key=lambda r: (r.partition, r.offset)):
        by_referral[str(record.values["referral_id"])].append(record)
    for referral_id, records in by_referral.items():
        sequences = [int(r.values["sequence"]) for r in records]
        if len({r.partition for r in records}) > 1:
            yield _wrong("changes of one referral in several partitions", referral_id)
        elif sequences != sorted(sequences):
            yield _wrong("changes of a referral out of order", referral_id)
        elif any(r.key != referral_id for r in records):
            yield _wrong("a change under a foreign key", referral_id)


def _against_tables(evidence: Evidence, changed: Sequence[Record]) -> Iterator[Violation]:
    told = {
        (str(r.values["referral_id"]), int(r.values["sequence"])): (str(r.values["kind"]), str(r.values["stage"]))
        for r in changed
    }
    held = {(row.referral_id, row.sequence): (row.kind, row.to_stage) for row in evidence.tables.history}
    for place in sorted(held.keys() - told.keys()):
        yield _wrong("a change of the tables was never announced", f"{place[0]}/{place[1]}")
    for place in sorted(told.keys() - held.keys()):
        yield _wrong("an announced change is not in the tables", f"{place[0]}/{place[1]}")
    for place in sorted(told.keys() & held.keys()):
        if told[place] != held[place]:
            yield _wrong("an announced change says something else than the tables", f"{place[0]}/{place[1]}")


def _states(evidence: Evidence) -> Iterator[Violation]:
    last: dict[str, Record] = {}
    backwards: set[str] = set()
    seen: set[str | None] = set()
    states = (r for r in evidence.records if r.topic == STATE and r.event_id is not None)
    for record in sorted(states, key=lambda r: (r.partition, r.offset)):
        if record.event_id in seen:
            continue
        seen.add(record.event_id)
        before = last.get(str(record.values["referral_id"]))
        if before is not None and int(before.values["sequence"]) > int(record.values["sequence"]):
            backwards.add(str(record.values["referral_id"]))
        last[str(record.values["referral_id"])] = record
    for referral_id in sorted(backwards):
        yield _wrong("the state of a referral goes backwards", referral_id)
    for row in evidence.tables.referrals:
        told = last.get(row.referral_id)
        if row.referral_id in backwards:
            continue
        if told is None or (told.values["sequence"], told.values["stage"]) != (row.sequence, row.stage):
            yield _wrong("the last state on the topic is not that of the tables", row.referral_id)


def _place(record: Record) -> str:
    return f"{record.topic}/{record.partition}/{record.offset}"


def _wrong(what: str, subject: str) -> Violation:
    return Violation(Invariant.ONCE_ON_TOPIC, what, subject)
