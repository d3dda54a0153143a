"""A small campaign in which nothing went wrong, written down by hand: what the corrupted histories start from."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.faults.evidence import (
    Asked,
    AuditRow,
    ClockRow,
    Evidence,
    HistoryRow,
    LedgerPage,
    MatchedRow,
    NoticeRow,
    Outage,
    Planted,
    QuarantineRow,
    Record,
    Recovery,
    ReferralRow,
    Sent,
    Standing,
    Tables,
)
from tests.faults.invariants.audit import FIRST, hash_of

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DURATION, LEAD = timedelta(seconds=60), timedelta(seconds=20)
CHAIN = "stager-0"
CONSUMED = {
    "matcher": ("referral.received.v1",),
    "stager": ("referral.matched.v1", "referral.commanded.v1", "sla.signalled.v1"),
}


def at(seconds: float) -> datetime:
    """Return a moment of the campaign."""
    return START + timedelta(seconds=seconds)


@dataclass
class World:
    """The facts of a campaign, open to be bent."""

    sent: list[Sent] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    planted: list[Planted] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    referrals: list[ReferralRow] = field(default_factory=list)
    history: list[HistoryRow] = field(default_factory=list)
    open_tasks: dict[str, int] = field(default_factory=dict)
    matched: list[MatchedRow] = field(default_factory=list)
    patients: set[str] = field(default_factory=set)
    commands: dict[str, str] = field(default_factory=dict)
    inbox: dict[str, set[str]] = field(default_factory=lambda: {"matcher": set(), "stager": set()})
    quarantine: list[QuarantineRow] = field(default_factory=list)
    clocks: list[ClockRow] = field(default_factory=list)
    notices: list[NoticeRow] = field(default_factory=list)
    audit: list[AuditRow] = field(default_factory=list)
    chain_length_told: int | None = None
    sightings: list[str] = field(default_factory=list)
    recoveries: list[Recovery] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    standings: list[Standing] = field(default_factory=list)
    hanging: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def evidence(self) -> Evidence:
        """Return the facts as a campaign would hand them over."""
        rows = chained(self.audit)
        length = len(rows) if self.chain_length_told is None else self.chain_length_told
        return Evidence(
            ledger=LedgerPage(tuple(self.sent), tuple(self.asked), tuple(self.planted)),
            records=tuple(self.records),
            tables=Tables(
                referrals=tuple(self.referrals),
                history=tuple(self.history),
                open_tasks=self.open_tasks,
                matched=tuple(self.matched),
                patients=frozenset(self.patients),
                commands=self.commands,
                inbox={service: frozenset(ids) for service, ids in self.inbox.items()},
                quarantine=tuple(self.quarantine),
                clocks=tuple(self.clocks),
                notices=tuple(self.notices),
                audit=tuple(rows),
                chain_ends={CHAIN: (length, rows[-1].hash if rows else FIRST)},
            ),
            sightings=tuple(self.sightings),
            recoveries=tuple(self.recoveries),
            outages=tuple(self.outages),
            standings=tuple(self.standings),
            hanging=tuple(self.hanging),
            missed=tuple(self.missed),
            recovers_within_s=30.0,
            ended_at=at(600),
            consumed=CONSUMED,
            watches_clocks=True,
            watches_notices=True,
        )

    def put(self, topic: str, key: str, event_id: str | None, seconds: float, **values: Any) -> Record:
        """Add a record to its topic."""
        offset = sum(record.topic == topic for record in self.records)
        record = Record(topic, 0, offset, key, at(seconds), event_id, values)
        self.records.append(record)
        return record


def chained(rows: Iterable[AuditRow]) -> list[AuditRow]:
    """Return rows with the hashes that follow; a row that has hashes already keeps them."""
    found: list[AuditRow] = []
    previous = FIRST
    for row in rows:
        if not row.hash:
            linked = replace(row, previous_hash=previous)
            row = replace(linked, hash=hash_of(linked, previous))
        found.append(row)
        previous = row.hash
    return found


@dataclass
class Life:
    """One referral on its way; each step leaves every trace that the product leaves."""

    world: World
    number: int
    stage: str = ""
    entry: int = 0
    sequence: int = 0
    clock: str = "running"
    entered: float = 0.0
    due: float | None = None
    reason: str | None = None
    breached: bool = False

    @property
    def referral_id(self) -> str:
        return f"ref-{self.number}"

    def arrive(self, seconds: float, *, stage: str = "intake_received") -> None:
        """Be sent, acknowledged, matched and opened."""
        world, digest, patient = self.world, f"digest-{self.number}", f"patient-{self.number}"
        world.sent.append(Sent(digest, "clinic-1", acknowledged=(self.referral_id,), attempts=2))
        received, matched = f"received-{self.number}", f"matched-{self.number}"
        world.put("referral.received.v1", f"name-{self.number}", received, seconds)
        world.inbox["matcher"].add(received)
        world.matched.append(MatchedRow(self.referral_id, f"submission-{self.number}", patient, "clinic-1", digest))
        world.patients.add(patient)
        self._audit(seconds, "patient.created", received)
        world.put("referral.matched.v1", self.referral_id, matched, seconds)
        world.inbox["stager"].add(matched)
        self._enter(stage, seconds)
        self._change("opened", seconds, matched, previous=None)

    def command(self, seconds: float, to_stage: str, *, reason: str | None = None) -> None:
        """Be moved by a command of staff."""
        command_id = self._ask(seconds, "applied")
        before = self.stage
        self._enter(to_stage, seconds, reason=reason)
        self._change("stage_changed", seconds, command_id, previous=before)

    def refuse(self, seconds: float) -> None:
        """Refuse a command."""
        self._ask(seconds, "refused")

    def signal(self, kind: str, seconds: float) -> None:
        """Let a clock of the present stay fire and be heard."""
        assert self.due is not None
        fires_at = at(self.due) if kind == "breach" else at(self.due) - LEAD
        event_id = f"{kind}-{self.number}-{self.entry}"
        self.world.put(
            "sla.signalled.v1",
            self.referral_id,
            event_id,
            seconds,
            referral_id=self.referral_id,
            stage_entry=self.entry,
            kind=kind,
            fires_at=fires_at,
            fired_at=at(seconds),
        )
        self.world.inbox["stager"].add(event_id)
        self.world.notices.append(NoticeRow(f"notice-{event_id}", kind, (event_id,)))
        self._keep_clock(kind, fires_at, "fired")
        self.breached = self.breached or kind == "breach"
        self._change("breached" if kind == "breach" else "reminded", seconds, event_id, previous=None)

    def _ask(self, seconds: float, outcome: str) -> str:
        command_id = f"command-{self.number}-{len(self.world.asked)}"
        self.world.asked.append(Asked(command_id, self.referral_id, is_acknowledged=True))
        self.world.put("referral.commanded.v1", self.referral_id, command_id, seconds)
        self.world.inbox["stager"].add(command_id)
        self.world.commands[command_id] = outcome
        return command_id

    def _enter(self, stage: str, seconds: float, *, reason: str | None = None) -> None:
        self._end_clocks()
        self.stage, self.entry, self.entered = stage, self.entry + 1, seconds
        self.reason, self.breached = reason, False
        paused, ended = stage == "waiting_on_referring_office", stage == "closed_unable_to_schedule"
        self.clock = "paused" if paused else "stopped" if ended else "running"
        self.due = seconds + DURATION.total_seconds() if self.clock == "running" else None
        if self.due is not None:
            self._keep_clock("reminder", at(self.due) - LEAD, "armed")
            self._keep_clock("breach", at(self.due), "armed")
        self.world.open_tasks[self.referral_id] = 0 if ended else 1

    def _end_clocks(self) -> None:
        for place, row in enumerate(self.world.clocks):
            if row.referral_id == self.referral_id and row.state == "armed":
                self.world.clocks[place] = replace(row, state="cancelled")

    def _keep_clock(self, kind: str, fires_at: datetime, state: str) -> None:
        own = (self.referral_id, self.entry, kind)
        kept = [c for c in self.world.clocks if (c.referral_id, c.stage_entry, c.kind) != own]
        self.world.clocks[:] = [*kept, ClockRow(self.referral_id, self.entry, kind, fires_at, state)]

    def _change(self, kind: str, seconds: float, cause: str, *, previous: str | None) -> None:
        self.sequence += 1
        world, due = self.world, None if self.due is None else at(self.due)
        world.history.append(HistoryRow(self.referral_id, self.sequence, kind, previous, self.stage, self.entry, cause))
        told = {"referral_id": self.referral_id, "sequence": self.sequence, "stage": self.stage}
        world.put(
            "referral.changed.v1",
            self.referral_id,
            f"changed-{self.number}-{self.sequence}",
            seconds,
            **told,
            kind=kind,
            stage_entry=self.entry,
            clock=self.clock,
            remind_at=None if due is None else due - LEAD,
            due_at=due,
            recorded_at=at(seconds),
            cause_id=cause,
        )
        world.put("referral.state.v1", self.referral_id, f"state-{self.number}-{self.sequence}", seconds, **told)
        self._audit(seconds, kind, cause)
        row = ReferralRow(
            self.referral_id, "clinic-1", self.stage, self.entry, self.clock, due, None if due is None else due - LEAD,
            "net.clinic-1.team", self.reason, self.breached, self.sequence,
        )  # fmt: skip
        world.referrals[:] = [*(r for r in world.referrals if r.referral_id != self.referral_id), row]

    def _audit(self, seconds: float, action: str, cause: str) -> None:
        self.world.audit.append(
            AuditRow(
                chain_id=CHAIN,
                position=len(self.world.audit) + 1,
                at=at(seconds),
                actor="somebody",
                actor_role="service",
                action=action,
                network_id="net",
                clinic_id="clinic-1",
                referral_id=self.referral_id,
                patient_id=None,
                cause_id=cause,
                detail="{}",
                previous_hash="",
                hash="",
            )
        )


def sound_world() -> World:
    """Return a campaign without a fault in it."""
    world = World()
    one, two, three, four = (Life(world, number) for number in (1, 2, 3, 4))
    one.arrive(0)
    one.command(10, "eligibility")
    one.signal("reminder", 50.2)
    one.signal("breach", 70.3)
    one.command(80, "documentation")
    one.command(90, "waiting_on_referring_office", reason="documents_missing")
    two.arrive(1, stage="intake_needs_info")
    two.command(30, "closed_unable_to_schedule", reason="withdrawn_by_referrer")
    two.refuse(40)
    three.arrive(2)
    three.signal("reminder", 42.1)
    three.command(50, "waiting_on_referring_office", reason="clarification_needed")
    three.command(580, "intake_received")
    four.arrive(560)
    four.signal("reminder", 600)
    poison = world.put("referral.matched.v1", "ref-junk", None, 5)
    world.planted.append(Planted(poison.topic, 0, poison.offset, "not_wire_format", "ref-junk"))
    world.quarantine.append(
        QuarantineRow("stager", poison.topic, 0, poison.offset, "quarantined", "not_wire_format", None)
    )
    world.recoveries.append(Recovery("kill", at(100), 4.0))
    world.outages.append(Outage(at(100), at(104)))
    for service, topics in CONSUMED.items():
        for topic in topics:
            end = sum(record.topic == topic for record in world.records)
            world.standings.append(Standing(service, topic, 0, end, end))
    return world
