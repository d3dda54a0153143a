"""What every life of a referral keeps to, in the words of the requirements and of the stage table alone.

It knows what was told so far and nothing of how the rules decide.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from schemas.events import ReferralChanged, ReferralCommanded, ReferralMatched, ReferralState, SlaSignalled
from schemas.vocabulary import (
    AppointmentStatus,
    ChangeKind,
    ClockState,
    CommandAction,
    MatchKind,
    SignalKind,
    Stage,
)
from services.stager.rules.decision import Decision, NoChange, Refusal, Rule
from services.stager.rules.referral import Referral, TaskStatus
from services.stager.rules.rulebook import Rulebook
from services.stager.rules.stage_table import Need, StageTable, Transition
from services.stager.rules.transitions import Input
from tests.support.paper_stager import Taken

MOVES = frozenset({CommandAction.MOVE, CommandAction.CLOSE, CommandAction.REOPEN})
OPENS_AGAIN = frozenset({CommandAction.REOPEN, CommandAction.RECORD_APPOINTMENT})
#: what is noted of a stay once at most
ONCE_A_STAY = frozenset({ChangeKind.REMINDED, ChangeKind.BREACHED})


@dataclass
class Known:
    """What was told of one referral."""

    sequence: int = 0
    stage: Stage | None = None
    entry: int = 0
    visited: set[Stage] = field(default_factory=set)
    signals: Counter[tuple[int, ChangeKind]] = field(default_factory=Counter)
    #: id of an appointment -> the highest version that was told, and its status
    appointments: dict[str, tuple[int, AppointmentStatus]] = field(default_factory=dict)


class Promises:
    """Checks one input after another."""

    def __init__(self, book: Rulebook) -> None:
        self._book = book
        self._known: defaultdict[str, Known] = defaultdict(Known)

    def check(self, taken: Taken) -> None:
        """Check what an input did against everything before."""
        known = self._known[taken.event.referral_id]
        if not isinstance(taken.outcome, Decision):
            assert (taken.after, taken.tasks_after, taken.told) == (taken.before, taken.tasks_before, ())
        if taken.outcome is None:
            return
        self._check_answer(known, taken)
        if isinstance(taken.outcome, Decision):
            _note_appointment(known, taken.event)
            for told in taken.told[:-1]:
                assert isinstance(told, ReferralChanged)
                self._follow(known, told, taken)
            self._check_state(known, taken)

    # ------------------------------------------------------------------ who and when

    def _check_answer(self, known: Known, taken: Taken) -> None:
        event = taken.event
        if isinstance(event, ReferralCommanded):
            self._check_command(known, taken, event)
        elif isinstance(event, SlaSignalled):
            assert isinstance(taken.outcome, Decision) is _is_news_of_now(known, taken.before, event)
        else:
            assert isinstance(taken.outcome, Decision if _tells_something(taken.before, event) else NoChange)

    def _check_command(self, known: Known, taken: Taken, command: ReferralCommanded) -> None:
        before = taken.before
        if before is None or before.network_id != command.network_id:
            assert _refused_by(taken) is Rule.UNKNOWN_REFERRAL
        elif command.expected_version not in (None, before.sequence):
            assert _refused_by(taken) is Rule.STALE_VERSION
        elif not self._may(before, command):
            assert _refused_by(taken) is not None
        elif command.action is CommandAction.ADD_NOTE:
            assert isinstance(taken.outcome, Decision) is bool(command.comment)
        elif command.action is CommandAction.RECORD_APPOINTMENT:
            assert isinstance(taken.outcome, Decision if _is_news(known, command) else NoChange)

    def _may(self, before: Referral, command: ReferralCommanded) -> bool:
        """Tell what can be told without knowing the transition: closed is closed, and each action has its roles."""
        is_open = self._book.stage(before.stage).is_open
        if not is_open and command.action not in {*OPENS_AGAIN, CommandAction.ADD_NOTE}:
            return False
        if command.action is CommandAction.REOPEN and is_open:
            return False
        by_stage = self._book.table.actions.get(command.action)
        return by_stage is None or command.by_role in by_stage[before.stage]

    # ------------------------------------------------------------------ one fact after another

    def _follow(self, known: Known, told: ReferralChanged, taken: Taken) -> None:
        assert told.sequence == known.sequence + 1
        assert told.cause_id == taken.event.event_id
        enters = told.kind in (ChangeKind.OPENED, ChangeKind.STAGE_CHANGED)
        assert told.stage_entry == known.entry + enters
        assert told.previous_stage == (known.stage if enters else None)
        assert enters or told.stage is known.stage
        if told.kind is ChangeKind.OPENED:
            assert known.stage is None
        elif enters:
            self._check_step(known, told, taken)
        if told.kind in ONCE_A_STAY:
            known.signals[told.stage_entry, told.kind] += 1
            assert known.signals[told.stage_entry, told.kind] == 1
        assert told.breached is bool(known.signals[told.stage_entry, ChangeKind.BREACHED])
        known.sequence, known.stage, known.entry = told.sequence, told.stage, told.stage_entry
        known.visited.add(told.stage)

    def _check_step(self, known: Known, told: ReferralChanged, taken: Taken) -> None:
        event, table = taken.event, self._book.table
        assert known.stage is not None
        source = self._book.stage(known.stage)
        if isinstance(event, ReferralCommanded) and event.action in MOVES:
            assert taken.before is not None
            self._check_move(known, table.transitions[known.stage, told.stage], event, taken.before)
        elif isinstance(event, ReferralCommanded) and event.action is CommandAction.RECORD_APPOINTMENT:
            assert told.stage in table.appointments.leads_to.values()
            assert table.is_exception(known.stage) or known.stage in table.appointments.moves_from
        else:
            is_completed = isinstance(event, ReferralCommanded) and event.action is CommandAction.COMPLETE_TASK
            assert is_completed or isinstance(event, ReferralMatched)
            assert (told.stage, told.missing_items) == (source.when_complete, ())
        if not source.is_open and self._book.stage(told.stage).is_open:
            assert isinstance(event, ReferralCommanded)
            assert event.action in OPENS_AGAIN

    def _check_move(self, known: Known, move: Transition, command: ReferralCommanded, before: Referral) -> None:
        table = self._book.table
        assert command.by_role in move.roles
        reason = table.reasons.get(command.reason_code or "")
        is_waived = bool(before.missing_items) and Need.MISSING_ITEMS in move.needs
        group = move.waived_by if is_waived else move.reasons
        assert (reason.group if reason else None) is group
        if reason is not None:
            assert command.by_role in (reason.roles or {command.by_role})
            assert before.stage in (reason.stages or {before.stage})
            assert command.comment or not reason.needs_comment
        if Need.APPOINTMENT_AT in move.needs:
            assert command.appointment_at or before.appointment_at
        assert move.skips is None or before.specialty in self._book.policy.skip_clinical_review
        if table.is_exception(move.source) and move.target in table.main_line:
            # an exception is no way to a stage that was never reached
            assert table.position(move.target) <= max(_position(table, stage) for stage in known.visited)

    # ------------------------------------------------------------------ where it stands afterwards

    def _check_state(self, known: Known, taken: Taken) -> None:
        after, state = taken.after, taken.told[-1]
        assert after is not None
        assert isinstance(state, ReferralState)
        assert (state.sequence, state.stage, state.stage_entry) == (known.sequence, known.stage, known.entry)
        assert (after.sequence, after.stage, after.stage_entry) == (known.sequence, known.stage, known.entry)
        assert sorted(state.open_tasks) == sorted(task.type for task in taken.tasks_after)
        assert {one.appointment_id: (one.version, one.status) for one in after.appointments} == known.appointments
        assert all(task.status is TaskStatus.OPEN for task in taken.tasks_after)
        if taken.before is None or taken.before.stage_entry != after.stage_entry:
            self._check_entered(after, taken)
        if self._book.stage(after.stage).is_open:
            self._check_owned(after, taken)
        else:
            assert (taken.tasks_after, after.due_at, after.clock) == ((), None, ClockState.STOPPED)

    def _check_entered(self, after: Referral, taken: Taken) -> None:
        rule = self._book.stage(after.stage)
        special = [rule.task_for_missing[item] for item in after.missing_items if item in rule.task_for_missing]
        assert sorted(task.template for task in taken.tasks_after) == sorted(special or rule.tasks)
        assert {task.stage_entry for task in taken.tasks_after} <= {after.stage_entry}
        assert after.owner_user is None
        assert not after.breached

    def _check_owned(self, after: Referral, taken: Taken) -> None:
        """R4: somebody's turn, until when or why not, and something to do."""
        assert after.owner_queue == f"{after.network_id}.{after.clinic_id}.{self._book.stage(after.stage).team}"
        assert any(task.owner_queue == after.owner_queue for task in taken.tasks_after)
        if after.clock is ClockState.RUNNING:
            assert after.due_at is not None
        else:
            assert after.clock is ClockState.PAUSED
            assert after.reason_code in self._book.table.reasons


def _refused_by(taken: Taken) -> Rule | None:
    return taken.outcome.rule if isinstance(taken.outcome, Refusal) else None


def _tells_something(before: Referral | None, matched: ReferralMatched) -> bool:
    if before is None:
        return True
    return matched.kind is MatchKind.CORRECTED and matched.network_id == before.network_id


def _is_news_of_now(known: Known, before: Referral | None, signal: SlaSignalled) -> bool:
    """Tell whether a clock speaks of the stay and the due time that the referral has now, and for the first time."""
    if before is None or before.clock is not ClockState.RUNNING:
        return False
    if (signal.stage_entry, signal.due_at) != (before.stage_entry, before.due_at):
        return False
    # who was told that it is too late needs no reminder any more
    heard = {ChangeKind.BREACHED, ChangeKind.REMINDED if signal.kind is SignalKind.REMINDER else ChangeKind.BREACHED}
    return not any(known.signals[signal.stage_entry, kind] for kind in heard)


def _is_news(known: Known, command: ReferralCommanded) -> bool:
    """Tell whether nothing later was told of an appointment; the machine always tells its version."""
    assert command.appointment_id is not None
    assert command.appointment_version is not None
    version, _ = known.appointments.get(command.appointment_id, (-1, None))
    return command.appointment_version > version


def _note_appointment(known: Known, event: Input) -> None:
    if isinstance(event, ReferralCommanded) and event.action is CommandAction.RECORD_APPOINTMENT:
        assert event.appointment_id is not None
        assert event.appointment_version is not None
        assert event.appointment_status is not None
        known.appointments[event.appointment_id] = event.appointment_version, event.appointment_status


def _position(table: StageTable, stage: Stage) -> int:
    if stage in table.main_line:
        return table.main_line.index(stage)
    return len(table.main_line) if stage in table.appointments.moves_from else 0
