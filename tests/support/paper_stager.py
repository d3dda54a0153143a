"""The stager without a database: the pure rules, what was decided by them, and what was told of it."""

from dataclasses import dataclass, field

from schemas.events import ReferralChanged, ReferralState
from services.stager.rules.announcing import announce
from services.stager.rules.decision import Decision, Outcome
from services.stager.rules.referral import Referral, Task
from services.stager.rules.transitions import Input, decide
from services.stager.working_set import WorkingSet
from tests.support.real_stager import recorded_at
from tests.support.stager import rulebook

Told = ReferralChanged | ReferralState


@dataclass(frozen=True)
class Taken:
    """One input, what it met and what it left."""

    event: Input
    outcome: Outcome | None  #: nothing is decided about an input that came before
    before: Referral | None
    after: Referral | None
    tasks_before: tuple[Task, ...]
    tasks_after: tuple[Task, ...]
    told: tuple[Told, ...]


@dataclass
class PaperStager:
    """Applies inputs one after another; an input that comes again is put aside, as the inbox does."""

    working: WorkingSet = field(default_factory=WorkingSet)
    taken: dict[str, Taken] = field(default_factory=dict)  #: by the id of the input, in order
    told: list[Told] = field(default_factory=list)

    def referral(self, referral_id: str) -> Referral | None:
        """Return a referral, if it is open already."""
        return self.working.referrals.get(referral_id)

    def open_tasks(self, referral_id: str) -> tuple[Task, ...]:
        """Return what is to do for a referral."""
        return tuple(self.working.open_tasks[referral_id].values())

    def take(self, event: Input) -> Taken:
        """Decide an input and keep what it changed."""
        referral_id = event.referral_id
        before, tasks_before = self.referral(referral_id), self.open_tasks(referral_id)
        outcome: Outcome | None = None
        told: tuple[Told, ...] = ()
        if event.event_id not in self.taken:
            outcome = decide(rulebook(), self.working.subject(referral_id), event, recorded_at(event))
            told = self._keep(outcome)
        taken = Taken(
            event=event,
            outcome=outcome,
            before=before,
            after=self.referral(referral_id),
            tasks_before=tasks_before,
            tasks_after=self.open_tasks(referral_id),
            told=told,
        )
        self.taken.setdefault(event.event_id, taken)
        return taken

    def _keep(self, outcome: Outcome) -> tuple[Told, ...]:
        if not isinstance(outcome, Decision):
            return ()
        self.working.apply(outcome)
        told = announce(outcome, self.open_tasks(outcome.referral.referral_id))
        self.told += told
        return told
