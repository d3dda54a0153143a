"""Invariant E: every consumed record ends as exactly one of applied, duplicate, parked, quarantined."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from tests.faults.evidence import Evidence, Invariant, QuarantineRow, Violation

OPEN = frozenset({"quarantined", "parked", "retrying"})
#: a quarantine row that was dealt with: applied after all, or given up by a person
DONE = frozenset({"resolved", "discarded"})

#: services whose later records of a key wait behind a quarantined one
PARKS_BY_KEY = frozenset({"stager", "sla"})

Place = tuple[str, str, int, int]


def wrong_dispositions(evidence: Evidence) -> Iterator[Violation]:
    """Yield consumed records without a fate, with two, and quarantine rows that no record explains."""
    rows: defaultdict[Place, list[QuarantineRow]] = defaultdict(list)
    for row in evidence.tables.quarantine:
        rows[row.service, row.topic, row.partition, row.offset].append(row)
    seen: set[Place] = set()
    for service, topics in evidence.consumed.items():
        applied = evidence.tables.inbox.get(service, frozenset())
        # a copy of a record that waits in quarantine shares its fate
        waiting = {row.event_id for row in evidence.tables.quarantine if row.service == service} - {None}
        copies = Counter(r.event_id for r in evidence.records if r.topic in topics)
        for record in evidence.records:
            if record.topic in topics:
                place = (service, record.topic, record.partition, record.offset)
                seen.add(place)
                fates = rows.get(place, [])
                is_applied = record.event_id in applied
                if not fates and not is_applied and record.event_id not in waiting:
                    yield _wrong("neither applied nor quarantined", place)
                for what in _problems(fates, is_applied=is_applied, is_only_copy=copies[record.event_id] == 1):
                    yield _wrong(what, place)
    for place in rows:
        if place not in seen and place[0] in evidence.consumed:
            yield _wrong("quarantined, but never on the topic", place)
    yield from _poison_applied(evidence, rows)
    yield from _overtakers(evidence, rows)


def _problems(rows: Sequence[QuarantineRow], *, is_applied: bool, is_only_copy: bool) -> Iterator[str]:
    if len(rows) > 1:
        yield "quarantined twice"
    states = {row.state for row in rows}
    if states & OPEN and is_applied and is_only_copy:
        yield "applied and quarantined"
    if states & DONE == {"resolved"} and not is_applied:
        yield "resolved, but never applied"


def _poison_applied(evidence: Evidence, rows: Mapping[Place, list[QuarantineRow]]) -> Iterator[Violation]:
    for poison in evidence.ledger.planted:
        for service, topics in evidence.consumed.items():
            place = (service, poison.topic, poison.partition, poison.offset)
            is_there = poison.offset >= 0
            if is_there and poison.topic in topics and place not in rows:
                yield _wrong(f"poison ({poison.kind}) is not in quarantine", place)


def _overtakers(evidence: Evidence, rows: Mapping[Place, list[QuarantineRow]]) -> Iterator[Violation]:
    """Yield records that were applied although an earlier one of their key waits in quarantine."""
    for service in PARKS_BY_KEY & evidence.consumed.keys():
        first_waiting = _first_waiting(evidence, service, rows)
        # an event that an earlier copy brought in before the poison may come again behind it
        first_copy: dict[str | None, int] = {}
        for record in sorted(evidence.records, key=lambda r: r.offset):
            first_copy.setdefault(record.event_id, record.offset)
        for record in evidence.records:
            waiting = first_waiting.get((record.topic, record.partition, record.key))
            is_behind = waiting is not None and first_copy[record.event_id] > waiting
            if is_behind and record.event_id in evidence.tables.inbox.get(service, frozenset()):
                place = (service, record.topic, record.partition, record.offset)
                yield _wrong("applied ahead of a quarantined record of its key", place)


def _first_waiting(
    evidence: Evidence, service: str, rows: Mapping[Place, list[QuarantineRow]]
) -> dict[tuple[str, int, str | None], int]:
    first: dict[tuple[str, int, str | None], int] = {}
    for poison in evidence.ledger.planted:
        found = rows.get((service, poison.topic, poison.partition, poison.offset), [])
        if poison.key is not None and any(row.state == "quarantined" for row in found):
            place = (poison.topic, poison.partition, poison.key)
            first[place] = min(first.get(place, poison.offset), poison.offset)
    return first


def _wrong(what: str, place: Place) -> Violation:
    service, topic, partition, offset = place
    return Violation(Invariant.ONE_DISPOSITION, what, f"{service}: {topic}/{partition}/{offset}")
