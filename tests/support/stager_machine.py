"""The life of referrals as a state machine: hypothesis draws what happens next in the state that it finds.

The machine itself is the pure rules; whoever puts the same inputs through more than the rules derives from it.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from schemas.events import ReferralChanged
from schemas.vocabulary import (
    AppointmentStatus,
    AttemptOutcome,
    CommandAction,
    MatchKind,
    MissingItem,
    Priority,
    Stage,
)
from services.sla.rules.clocks import ArmState, SlaClock, Stay, follow, signal_of
from services.stager.rules.decision import Decision
from services.stager.rules.referral import Referral
from services.stager.rules.stage_table import ReasonGroup
from services.stager.rules.transitions import Input
from tests.support.paper_stager import PaperStager, Taken
from tests.support.stager import FRIDAY, STAFF, command, match, rulebook
from tests.support.stager_promises import Promises


class Basis(StrEnum):
    """The version that somebody decides on."""

    ANY = "any"
    CURRENT = "current"
    STALE = "stale"
    FUTURE = "future"


TABLE = rulebook().table
A_WHILE = timedelta(minutes=7)  #: nothing happens at the same instant, so that every stay takes time
#: one of each role, and the supervisor more often: who may not do it is refused early
USERS = st.sampled_from([*STAFF, *["sue"] * 6])
NUMBERS = st.sampled_from([1, 1, 1, 1, 2])
BASES = st.sampled_from([*[Basis.ANY] * 4, *[Basis.CURRENT] * 4, Basis.STALE, Basis.FUTURE])
_DOCUMENT, _CALL = MissingItem.READABLE_DOCUMENT, MissingItem.CALL_BACK
MISSING: st.SearchStrategy[tuple[MissingItem, ...]] = st.sampled_from(
    [(), (), (), (MissingItem.DATE_OF_BIRTH,), (_CALL,), (_DOCUMENT, _CALL)]
)
NETWORKS = st.sampled_from([*["riverside"] * 4, "elsewhere"])
PRIORITIES = st.sampled_from(Priority)
SPECIALTIES = st.sampled_from(["cardiology", "audiology"])  #: the second needs no clinical review
COMMENTS = st.sampled_from(["because", "because", "because", None])
PICKS = st.integers(0, 99)

Missing = tuple[MissingItem, ...]


class StagerMachine(RuleBasedStateMachine):
    """Referrals of one network, everybody who works on them, their clocks and the scheduling system."""

    def __init__(self) -> None:
        super().__init__()
        self.paper = PaperStager()
        self.promises = Promises(rulebook())
        self.now = FRIDAY
        self.sent: list[Input] = []
        #: every clock that ran and was not heard, by referral: its signal may be on its way for as long as it likes
        self.clocks: defaultdict[str, list[SlaClock]] = defaultdict(list)
        self._stays: defaultdict[str, Stay] = defaultdict(Stay)

    def deliver(self, event: Input) -> Taken:
        """Let the stager take an input, and check what it did."""
        taken = self.paper.take(event)
        self.promises.check(taken)
        self.sent.append(event)
        self.now += A_WHILE
        for told in taken.told:
            if isinstance(told, ReferralChanged):
                self._arm(told)
        return taken

    def _arm(self, change: ReferralChanged) -> None:
        stay, clocks = follow(self._stays[change.referral_id], change)
        self._stays[change.referral_id] = stay
        self.clocks[change.referral_id] += [clock for clock in clocks if clock.state is ArmState.ARMED]

    def _ask(self, number: int, user: str, action: CommandAction, basis: Basis = Basis.ANY, **fields: Any) -> Taken:
        referral_id = match(number).referral_id
        referral = self.paper.referral(referral_id)
        version = {
            Basis.ANY: None,
            Basis.CURRENT: referral.sequence if referral else 0,
            Basis.STALE: referral.sequence - 1 if referral else 0,
            Basis.FUTURE: referral.sequence + 1 if referral else 1,
        }[basis]
        values = {"at": self.now, "expected_version": version} | fields
        return self.deliver(command(referral_id, user, action, command_id=str(len(self.sent)), **values))

    def _referral(self, number: int) -> Referral | None:
        return self.paper.referral(match(number).referral_id)

    # ------------------------------------------------------------------ what the matcher tells

    @initialize(missing=MISSING, specialty=SPECIALTIES, hops=st.integers(0, 6))
    def first_arrives(self, missing: Missing, specialty: str, hops: int) -> None:
        self._match(1, MatchKind.RECEIVED, missing, specialty)
        self.gets_on(1, hops)

    @rule(number=st.sampled_from([1, 2, 2, 2]), missing=MISSING, specialty=SPECIALTIES, priority=PRIORITIES)
    def arrives(self, number: int, missing: Missing, specialty: str, priority: Priority) -> None:
        self._match(number, MatchKind.RECEIVED, missing, specialty, priority=priority)

    @rule(number=NUMBERS, missing=MISSING, specialty=SPECIALTIES, network=NETWORKS)
    def is_corrected(self, number: int, missing: Missing, specialty: str, network: str) -> None:
        # the first match of a referral says whose it is
        more = {"network_id": network} if self._referral(number) is not None else {}
        self._match(number, MatchKind.CORRECTED, missing, specialty, by="ivy", **more)

    def _match(self, number: int, kind: MatchKind, missing: Missing, specialty: str | None, **fields: Any) -> Taken:
        event_id = f"match-{len(self.sent)}"
        known = {"kind": kind, "missing_items": missing, "specialty": specialty, "at": self.now}
        return self.deliver(match(number, event_id=event_id, **known, **fields))

    # ------------------------------------------------------------------ what people do

    @rule(number=NUMBERS, hops=st.integers(1, 6))
    def gets_on(self, number: int, hops: int) -> None:
        """A supervisor takes a referral on towards its end; wherever it stands, nothing may be in the way."""
        for _ in range(hops):
            referral = self._referral(number)
            if referral is not None:
                assert isinstance(self._get_on(number, referral).outcome, Decision)

    def _get_on(self, number: int, referral: Referral) -> Taken:
        if not rulebook().stage(referral.stage).is_open:
            return self._ask(number, "sue", CommandAction.REOPEN, reason_code="closed_by_mistake")
        if referral.missing_items:
            return self._match(number, MatchKind.CORRECTED, (), referral.specialty, by="ivy")
        stage = _next(referral)
        return self._ask(number, "sue", CommandAction.MOVE, to_stage=stage, appointment_at=self.now)

    @rule(number=NUMBERS, stage=st.sampled_from([stage for stage in Stage if TABLE.is_exception(stage)]), pick=PICKS)
    def gets_stuck(self, number: int, stage: Stage, pick: int) -> None:
        """A supervisor moves a referral into an exception, for a reason that the stage table knows for it."""
        referral = self._referral(number)
        move = TABLE.transitions.get((referral.stage, stage)) if referral else None
        if move is not None and move.reasons is not None:
            codes = TABLE.codes(move.reasons)
            code = codes[pick % len(codes)]
            taken = self._ask(number, "sue", CommandAction.MOVE, to_stage=stage, reason_code=code, comment="because")
            assert isinstance(taken.outcome, Decision) or TABLE.reasons[code].stages or TABLE.reasons[code].roles

    @rule(number=NUMBERS, user=USERS, basis=BASES, comment=COMMENTS, data=st.data())
    def moves(self, number: int, user: str, basis: Basis, comment: str | None, data: st.DataObject) -> None:
        referral = self._referral(number)
        targets = TABLE.targets(referral.stage) if referral else ()
        target = data.draw(st.sampled_from([*targets, *targets, *targets, *Stage]))
        self._ask(
            number,
            user,
            CommandAction.MOVE,
            basis,
            to_stage=target,
            reason_code=data.draw(st.sampled_from(_reasons(referral, target))),
            comment=comment,
            appointment_at=data.draw(st.sampled_from([None, self.now + timedelta(days=3)])),
        )

    @rule(
        number=NUMBERS,
        user=USERS,
        basis=BASES,
        code=st.sampled_from([*TABLE.reasons, *TABLE.codes(ReasonGroup.CLOSING), None]),
        comment=COMMENTS,
    )
    def closes(self, number: int, user: str, basis: Basis, code: str | None, comment: str | None) -> None:
        self._ask(number, user, CommandAction.CLOSE, basis, reason_code=code, comment=comment)

    @rule(
        number=NUMBERS,
        user=USERS,
        basis=BASES,
        stage=st.sampled_from([None, None, None, *Stage]),
        code=st.sampled_from(["closed_by_mistake", "closed_by_mistake", "patient_declined"]),
    )
    def reopens(self, number: int, user: str, basis: Basis, stage: Stage | None, code: str) -> None:
        self._ask(number, user, CommandAction.REOPEN, basis, to_stage=stage, reason_code=code)

    @rule(
        number=NUMBERS,
        user=USERS,
        basis=BASES,
        action=st.sampled_from([CommandAction.CLAIM, CommandAction.CLAIM, CommandAction.RELEASE]),
    )
    def changes_hands(self, number: int, user: str, basis: Basis, action: CommandAction) -> None:
        taken = self._ask(number, user, action, basis)
        if isinstance(taken.outcome, Decision) and taken.after is not None and taken.before is not None:
            assert taken.after.owner_user == (user if action is CommandAction.CLAIM else None)
            assert taken.after.owner_user != taken.before.owner_user

    @rule(number=NUMBERS, user=USERS, basis=BASES, pick=PICKS)
    def completes_a_task(self, number: int, user: str, basis: Basis, pick: int) -> None:
        tasks = self.paper.open_tasks(match(number).referral_id)
        task_id = tasks[pick % len(tasks)].task_id if tasks and pick else "none"
        taken = self._ask(number, user, CommandAction.COMPLETE_TASK, basis, task_id=task_id)
        if isinstance(taken.outcome, Decision):
            assert task_id not in {task.task_id for task in taken.tasks_after}

    @rule(number=NUMBERS, user=USERS, basis=BASES, outcome=st.sampled_from(AttemptOutcome))
    def calls(self, number: int, user: str, basis: Basis, outcome: AttemptOutcome) -> None:
        self._ask(number, user, CommandAction.RECORD_ATTEMPT, basis, outcome=outcome)

    @rule(number=NUMBERS, user=USERS, basis=BASES, priority=PRIORITIES)
    def changes_priority(self, number: int, user: str, basis: Basis, priority: Priority) -> None:
        taken = self._ask(number, user, CommandAction.CHANGE_PRIORITY, basis, priority=priority)
        assert not isinstance(taken.outcome, Decision) or (taken.after and taken.after.priority is priority)

    @rule(number=NUMBERS, priority=PRIORITIES)
    def wavers(self, number: int, priority: Priority) -> None:
        """A supervisor changes the priority and changes it back: the due time comes back too."""
        referral = self._referral(number)
        if referral is not None:
            for one in (priority, referral.priority):
                self._ask(number, "sue", CommandAction.CHANGE_PRIORITY, priority=one)

    @rule(number=NUMBERS, user=USERS, basis=BASES, comment=COMMENTS, network=NETWORKS)
    def notes(self, number: int, user: str, basis: Basis, comment: str | None, network: str) -> None:
        self._ask(number, user, CommandAction.ADD_NOTE, basis, comment=comment, network_id=network)

    # ------------------------------------------------------------------ what systems tell

    @rule(
        number=NUMBERS,
        user=st.sampled_from(["booking", "booking", "booking", "sam", "ivy"]),
        appointment_id=st.sampled_from(["first", "second"]),
        status=st.sampled_from([*AppointmentStatus, AppointmentStatus.CANCELLED, AppointmentStatus.NO_SHOW]),
        version=st.integers(1, 20),
        days=st.integers(-1, 9),
    )
    def an_appointment_is_told(
        self, number: int, user: str, appointment_id: str, status: AppointmentStatus, version: int, days: int
    ) -> None:
        self._ask(
            number,
            user,
            CommandAction.RECORD_APPOINTMENT,
            appointment_id=appointment_id,
            appointment_status=status,
            appointment_version=version,
            appointment_at=self.now + timedelta(days=days),
        )

    @precondition(lambda self: any(self.clocks.values()))
    @rule(data=st.data())
    def a_clock_fires(self, data: st.DataObject) -> None:
        """Rather one of the current stay, of whatever round; the others were on their way for long."""
        clocks = [clock for of_referral in self.clocks.values() for clock in of_referral]
        current = [clock for clock in clocks if clock.stage_entry == self._stays[clock.referral_id].stage_entry]
        clock = data.draw(st.sampled_from([*current * 4, *clocks]))
        self.clocks[clock.referral_id].remove(clock)
        self.now = max(self.now, clock.fires_at)
        self.deliver(signal_of(clock, fired_at=self.now))

    @rule(minutes=st.integers(1, 3000))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @precondition(lambda self: self.sent)
    @rule(pick=PICKS)
    def an_input_comes_again(self, pick: int) -> None:
        self.deliver(self.sent[-1 - pick % len(self.sent)])


def _next(referral: Referral) -> Stage:
    if referral.stage in TABLE.main_line:
        return (*TABLE.main_line, Stage.COMPLETED)[TABLE.main_line.index(referral.stage) + 1]
    if not TABLE.is_exception(referral.stage):
        return Stage.SCHEDULED
    if referral.interrupted_stage is None:
        return TABLE.arrives_complete
    ways = (referral.interrupted_stage, Stage.READY_TO_SCHEDULE, TABLE.arrives_complete)
    return next(stage for stage in ways if stage in TABLE.targets(referral.stage))


def _reasons(referral: Referral | None, target: Stage) -> Sequence[str | None]:
    """Return the codes that a move may take, and some that it may not."""
    move = TABLE.transitions.get((referral.stage, target)) if referral else None
    if referral is None or move is None:
        return (None, "no_answer")
    group = move.waived_by if move.waived_by and referral.missing_items else move.reasons
    right: Sequence[str | None] = TABLE.codes(group) if group else (None,) * 4
    return (*right, None, "no_answer", "unknown")
