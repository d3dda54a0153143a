"""The stage machine as data: stages, transitions, tasks, reason codes and who may (R5-R7)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property

from schemas.vocabulary import AppointmentStatus, ClockState, CommandAction, MissingItem, Role, Stage, Team, WaitingOn


class ReasonGroup(StrEnum):
    """What a reason code gives the reason for."""

    CLOSING = "closing"
    RETURNING = "returning"
    NEEDS_INFO = "needs_info"
    REFERRING_OFFICE = "referring_office"
    UNREACHABLE = "unreachable"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"
    REOPENING = "reopening"
    INCOMPLETE = "incomplete"


class Need(StrEnum):
    """A field that must be there before a referral may leave a stage."""

    MISSING_ITEMS = "missing_items"  #: met when none is left
    APPOINTMENT_AT = "appointment_at"


@dataclass(frozen=True, kw_only=True)
class TaskTemplate:
    """A task as it is created."""

    name: str
    type: str  #: what people read
    team: Team | None = None  #: None for the team of the stage
    #: missing items that a person settles by completing the task, because no field can carry them
    settles: frozenset[MissingItem] = frozenset()
    closed_by_moving: bool = False


@dataclass(frozen=True, kw_only=True)
class StageRule:
    """What one stage means."""

    stage: Stage
    title: str
    team: Team
    waiting_on: WaitingOn
    clock: ClockState
    done: str
    sla: str | None = None
    tasks: tuple[str, ...] = ()
    task_for_missing: Mapping[MissingItem, str] = field(default_factory=dict)
    suspends: bool = False
    clock_from_appointment: bool = False
    skippable: bool = False
    when_complete: Stage | None = None
    reopens_to: Stage | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody has to act on a referral in this stage."""
        return self.clock is not ClockState.STOPPED


@dataclass(frozen=True, kw_only=True)
class Transition:
    """One legal move."""

    source: Stage
    target: Stage
    roles: frozenset[Role]
    reasons: ReasonGroup | None = None
    needs: tuple[Need, ...] = ()
    waived_by: ReasonGroup | None = None
    skips: Stage | None = None
    is_rework: bool = False

    @property
    def completes_tasks(self) -> bool:
        """Whether the move says that the work of the stage is done; a move for a reason says it is not."""
        return self.reasons is None


@dataclass(frozen=True, kw_only=True)
class ReasonCode:
    """One reason code and where, by whom and when it may be used."""

    code: str
    group: ReasonGroup
    text: str
    stages: frozenset[Stage] = frozenset()  #: empty for any
    roles: frozenset[Role] = frozenset()  #: empty for any
    needs_comment: bool = False
    effective_from: date | None = None
    effective_until: date | None = None

    def is_effective(self, day: date) -> bool:
        """Tell whether the code may be used on a day."""
        return (self.effective_from or day) <= day <= (self.effective_until or day)


@dataclass(frozen=True, kw_only=True)
class AppointmentRules:
    """Where the news of a scheduling system move a referral."""

    moves_from: frozenset[Stage]
    leads_to: Mapping[AppointmentStatus, Stage]
    reason: Mapping[AppointmentStatus, str]


@dataclass(frozen=True, kw_only=True)
class StageTable:
    """One version of the stage machine."""

    version: int
    main_line: tuple[Stage, ...]
    arrives_complete: Stage
    arrives_incomplete: Stage
    closes_to: Stage
    every_move: frozenset[Role]
    teams: Mapping[Team, frozenset[Role]]
    actions: Mapping[CommandAction, Mapping[Stage, frozenset[Role]]]  #: who may do it in which stage
    tasks: Mapping[str, TaskTemplate]
    stages: Mapping[Stage, StageRule]
    transitions: Mapping[tuple[Stage, Stage], Transition]
    reasons: Mapping[str, ReasonCode]
    appointments: AppointmentRules

    def targets(self, stage: Stage) -> tuple[Stage, ...]:
        """Return the stages that can follow a stage."""
        return self._targets.get(stage, ())

    def codes(self, group: ReasonGroup) -> tuple[str, ...]:
        """Return the reason codes of a group in the written order."""
        return tuple(reason.code for reason in self.reasons.values() if reason.group is group)

    def position(self, stage: Stage | None) -> int:
        """Return how far along the main line a stage is; a stage after an appointment counts as the last."""
        if stage is None:
            return 0
        return self.main_line.index(stage) if stage in self.main_line else len(self.main_line) - 1

    def is_exception(self, stage: Stage) -> bool:
        """Tell whether a stage interrupts another one."""
        return self.stages[stage].suspends

    @cached_property
    def _targets(self) -> Mapping[Stage, tuple[Stage, ...]]:
        found: dict[Stage, tuple[Stage, ...]] = {}
        for source, target in self.transitions:
            found[source] = (*found.get(source, ()), target)
        return found
