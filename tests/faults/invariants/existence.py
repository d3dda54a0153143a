"""Invariants A and B: what was acknowledged exists once, and nothing exists that nobody sent."""

from collections import Counter
from collections.abc import Iterator

from tests.faults.evidence import Evidence, Invariant, Sent, Violation

CHANGED = "referral.changed.v1"
MATCHED = "referral.matched.v1"
SIGNALLED = "sla.signalled.v1"


def lost_or_doubled(evidence: Evidence) -> Iterator[Violation]:
    """Yield acknowledged referrals and commands that are missing or there more than once."""
    by_digest = Counter(row.digest for row in evidence.tables.matched)
    referral_of = {row.digest: row.referral_id for row in evidence.tables.matched}
    states = Counter(row.referral_id for row in evidence.tables.referrals)
    openings = _openings(evidence)
    for sent in evidence.ledger.sent:
        if not sent.acknowledged or not sent.must_exist:
            continue
        if by_digest[sent.digest] > 1:
            yield _lost("one message became several referrals", sent.digest)
            continue
        named = {name for name in sent.acknowledged if name}
        for problem in _problems(sent, named, referral_of, states, openings):
            yield _lost(problem, sent.digest)
    yield from _unanswered(evidence)


def _problems(
    sent: Sent, named: set[str], referral_of: dict[str, str], states: Counter[str], openings: Counter[str]
) -> Iterator[str]:
    if len(named) > 1:
        yield "acknowledgements of one message name several referrals"
        return
    referral_id = referral_of.get(sent.digest)
    if referral_id is None:
        yield "an acknowledged message is not known to the matcher"
        return
    if named and named != {referral_id}:
        yield "the acknowledgement names another referral"
    if states[referral_id] != 1:
        yield f"the referral exists {states[referral_id]} times"
    if openings[referral_id] == 0:
        yield "its opening was never announced"
    if openings[referral_id] > 1:
        yield "it was opened more than once"


def _openings(evidence: Evidence) -> Counter[str]:
    # by event id: the same announcement twice is the affair of invariant D
    opened = {
        (r.event_id, str(r.values["referral_id"]))
        for r in evidence.records
        if r.topic == CHANGED and r.event_id is not None and r.values["kind"] == "opened"
    }
    return Counter(referral_id for _, referral_id in opened)


def _unanswered(evidence: Evidence) -> Iterator[Violation]:
    waiting = {row.event_id for row in evidence.tables.quarantine if row.state in ("quarantined", "parked", "retrying")}
    for asked in evidence.ledger.asked:
        if asked.is_acknowledged and asked.command_id not in evidence.tables.commands.keys() | waiting:
            yield _lost("an acknowledged command was never answered", asked.command_id)


def _lost(what: str, subject: str) -> Violation:
    return Violation(Invariant.EXISTS_ONCE, what, subject)


def never_sent(evidence: Evidence) -> Iterator[Violation]:
    """Yield referrals, patients, commands and changes that nobody's act explains."""
    tables, ledger = evidence.tables, evidence.ledger
    sent = {message.digest for message in ledger.sent}
    matched = {row.referral_id for row in tables.matched}
    for row in tables.matched:
        if row.digest not in sent:
            yield _unsent("a referral of a message nobody sent", row.referral_id)
    for referral in tables.referrals:
        if referral.referral_id not in matched:
            yield _unsent("a referral the matcher does not know", referral.referral_id)
    for patient_id in tables.patients - {row.patient_id for row in tables.matched}:
        yield _unsent("a patient without a referral", patient_id)
    asked = {command.command_id for command in ledger.asked}
    for command_id in tables.commands:
        if command_id not in asked:
            yield _unsent("the answer to a command nobody gave", command_id)
    yield from _uncaused(evidence, asked)


def _uncaused(evidence: Evidence, asked: set[str]) -> Iterator[Violation]:
    causes = asked | {r.event_id for r in evidence.records if r.topic in (MATCHED, SIGNALLED) and r.event_id}
    for row in evidence.tables.history:
        if row.cause_id not in causes:
            yield _unsent("a change without a cause", f"{row.referral_id}/{row.sequence}")
    known = {(row.referral_id, row.cause_id) for row in evidence.tables.history}
    for record in evidence.records:
        if record.topic != CHANGED or record.event_id is None or record.values["cause_id"] in causes:
            continue
        # a change that the tables hold too was told above
        if (record.values["referral_id"], record.values["cause_id"]) not in known:
            yield _unsent("an announced change without a cause", record.event_id)


def _unsent(what: str, subject: str) -> Violation:
    return Violation(Invariant.NOTHING_UNSENT, what, subject)
