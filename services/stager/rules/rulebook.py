"""Everything that decisions follow: the stage table, the SLA policy and the calendar."""

from dataclasses import dataclass

from schemas.vocabulary import Stage
from services.stager.rules.calendar import Calendar
from services.stager.rules.policy import SlaPolicy
from services.stager.rules.stage_table import StageRule, StageTable


@dataclass(frozen=True, slots=True)
class Rulebook:
    """One set of rules."""

    table: StageTable
    policy: SlaPolicy
    calendar: Calendar

    def stage(self, stage: Stage) -> StageRule:
        """Return what a stage means."""
        return self.table.stages[stage]
