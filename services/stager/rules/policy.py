"""The SLA policy as data: how long a stage may take, when its queue is reminded, which clocks are paused (R22, R23)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from schemas.vocabulary import ClockState, Priority, Stage
from services.stager.rules.reading import Written, WronglyWritten, refuse_unknown, required, word
from services.stager.rules.stage_table import StageRule, StageTable

Durations = Mapping[str, Mapping[Priority, timedelta]]

UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
DURATION = re.compile(r"(\d+)([wdhms])")
KEYS = (
    "name", "version", "is_demo", "reminder_lead", "escalation", "skip_clinical_review",
    "durations", "follow_up", "clocks",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SlaPolicy:
    """How long everything may take."""

    name: str
    version: int
    is_demo: bool
    reminder_lead: timedelta
    escalation: timedelta  #: time a supervisor has for an overdue referral
    skip_clinical_review: frozenset[str]  #: specialties, in small letters
    durations: Durations  #: SLA key of the stage -> priority -> time until due
    follow_up: Durations  #: SLA key of a paused stage -> priority -> time until its task is due
    clocks: Mapping[Stage, ClockState]  #: where the policy departs from the stage table

    @property
    def label(self) -> str:
        """Name and version, as referrals remember them."""
        return f"{self.name}@{self.version}"

    def clock_of(self, rule: StageRule) -> ClockState:
        """Return whether the time of a stage runs under this policy."""
        return self.clocks.get(rule.stage, rule.clock)

    def duration(self, rule: StageRule, priority: Priority) -> timedelta:
        """Return how long a stage whose clock runs may take."""
        return self.durations[str(rule.sla)][priority]

    def follow_up_after(self, rule: StageRule, priority: Priority) -> timedelta:
        """Return after which time somebody asks again in a stage whose clock is paused."""
        return self.follow_up[str(rule.sla)][priority]

    def skips_clinical_review(self, specialty: str | None) -> bool:
        """Tell whether referrals of a specialty need no clinical review."""
        return specialty is not None and specialty.strip().casefold() in self.skip_clinical_review


def read_policy(written: Written, table: StageTable) -> SlaPolicy:
    """Return the policy that is written, checked against the stages it is for.

    Raises:
        WronglyWritten: a word is unknown, or a stage is left without a duration.
    """
    refuse_unknown(written, KEYS, of="policy")
    policy = SlaPolicy(
        name=required(written, "name", of="policy"),
        version=int(required(written, "version", of="policy")),
        is_demo=bool(written.get("is_demo", False)),
        reminder_lead=read_duration(required(written, "reminder_lead", of="policy")),
        escalation=read_duration(required(written, "escalation", of="policy")),
        skip_clinical_review=frozenset(name.casefold() for name in written.get("skip_clinical_review", ())),
        durations=_durations(required(written, "durations", of="policy")),
        follow_up=_durations(written.get("follow_up", {})),
        clocks={
            word(Stage, stage, of="clocks"): word(ClockState, clock, of="clocks")
            for stage, clock in written.get("clocks", {}).items()
        },
    )
    for complaint in _gaps(policy, table):
        raise WronglyWritten(complaint)
    return policy


def read_duration(text: str) -> timedelta:
    """Return the time that is written like `2h` or `1d12h`.

    Raises:
        WronglyWritten: it is not written like that, or is no time at all.
    """
    parts = DURATION.findall(text)
    total = sum((timedelta(**{UNITS[unit]: int(number)}) for number, unit in parts), timedelta())
    if "".join(number + unit for number, unit in parts) != text or not total:
        raise WronglyWritten(f"{text!r} is no duration such as 2h or 1d12h")
    return total


def _durations(written: Written) -> Durations:
    return {
        sla: {word(Priority, priority, of=sla): read_duration(text) for priority, text in row.items()}
        for sla, row in written.items()
    }


def _gaps(policy: SlaPolicy, table: StageTable) -> Iterator[str]:
    for rule in table.stages.values():
        clock = policy.clock_of(rule)
        if (clock is ClockState.STOPPED) is rule.is_open:
            yield f"policy: the clock of {rule.stage} cannot be {clock}"
        if clock is ClockState.PAUSED and not _always_has_reason(table, rule.stage):
            yield f"policy: {rule.stage} can be entered without a reason, so its clock cannot be paused"
        yield from _missing_durations(policy, rule, clock)


def _missing_durations(policy: SlaPolicy, rule: StageRule, clock: ClockState) -> Iterator[str]:
    if clock is ClockState.STOPPED:
        return
    durations = policy.durations if clock is ClockState.RUNNING else policy.follow_up
    missing = set(Priority) - set(durations.get(str(rule.sla), {}))
    if missing:
        yield f"policy: no duration of {rule.sla} for {', '.join(sorted(missing))}"


def _always_has_reason(table: StageTable, stage: Stage) -> bool:
    if stage in (table.arrives_complete, table.arrives_incomplete, *table.appointments.leads_to.values()):
        return False
    return all(move.reasons is not None for move in table.transitions.values() if move.target is stage)
