"""Simulated staff: people who see only what a subscriber sees, and command by it while everything falls over."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from schemas.events import ReferralCommanded
from schemas.ids import named_id
from schemas.vocabulary import AppointmentStatus, AttemptOutcome, CommandAction, Priority, Role, Stage
from tests.faults.canary import marked
from tests.faults.ledger import Ledger
from tests.faults.oracle import Oracle
from tests.faults.senders import NETWORK, KafkaSender, NotAcknowledged

Fields = dict[str, Any]
STALE_SHARE = 0.05
#: a person who was told that the command is safe clicks again all the same
TWICE_SHARE = 0.1
SIDE_SHARE = 0.25


@dataclass(frozen=True)
class Step:
    """What staff do with a referral in a stage."""

    role: Role
    action: CommandAction
    fields: Callable[[Random], Fields]


def _move(role: Role, to: Stage, reason: str | None = None) -> Step:
    comment = marked("Called") if reason is not None else None
    return Step(role, CommandAction.MOVE, lambda _: {"to_stage": to, "reason_code": reason, "comment": comment})


def _appointment(status: AppointmentStatus) -> Step:
    def fields(random: Random) -> Fields:
        return {
            "appointment_id": f"appointment-{random.randrange(3)}",
            "appointment_status": status,
            "appointment_at": datetime.now(UTC) + timedelta(days=random.randrange(1, 30)),
        }

    return Step(Role.SCHEDULING, CommandAction.RECORD_APPOINTMENT, fields)


STEPS: Mapping[Stage, tuple[Step, ...]] = {
    Stage.INTAKE_RECEIVED: (_move(Role.INTAKE, Stage.ELIGIBILITY),),
    Stage.INTAKE_NEEDS_INFO: (
        _move(Role.INTAKE, Stage.WAITING_ON_REFERRING_OFFICE, "clarification_needed"),
        _move(Role.INTAKE, Stage.CLOSED_UNABLE_TO_SCHEDULE, "withdrawn_by_referrer"),
    ),
    Stage.ELIGIBILITY: (
        _move(Role.ELIGIBILITY, Stage.DOCUMENTATION),
        _move(Role.ELIGIBILITY, Stage.CLOSED_UNABLE_TO_SCHEDULE, "insurance_not_accepted"),
    ),
    Stage.DOCUMENTATION: (
        _move(Role.INTAKE, Stage.CLINICAL_REVIEW),
        _move(Role.INTAKE, Stage.WAITING_ON_REFERRING_OFFICE, "documents_missing"),
    ),
    Stage.WAITING_ON_REFERRING_OFFICE: (
        _move(Role.INTAKE, Stage.DOCUMENTATION),
        _move(Role.SUPERVISOR, Stage.CLOSED_UNABLE_TO_SCHEDULE, "referring_office_silent"),
    ),
    Stage.CLINICAL_REVIEW: (
        _move(Role.CLINICAL_REVIEWER, Stage.READY_TO_SCHEDULE),
        _move(Role.CLINICAL_REVIEWER, Stage.DOCUMENTATION, "documents_incomplete"),
    ),
    Stage.READY_TO_SCHEDULE: (
        _appointment(AppointmentStatus.BOOKED),
        _move(Role.SCHEDULING, Stage.PATIENT_UNREACHABLE, "no_answer"),
    ),
    Stage.PATIENT_UNREACHABLE: (_move(Role.INTAKE, Stage.READY_TO_SCHEDULE),),
    Stage.SCHEDULED: (_appointment(AppointmentStatus.COMPLETED), _appointment(AppointmentStatus.NO_SHOW)),
    Stage.NO_SHOW: (_move(Role.SCHEDULING, Stage.READY_TO_SCHEDULE),),
    Stage.CANCELLED: (_move(Role.SCHEDULING, Stage.READY_TO_SCHEDULE),),
    Stage.COMPLETED: (_move(Role.SUPERVISOR, Stage.ELIGIBILITY),),  # no such move: refused
    Stage.CLOSED_UNABLE_TO_SCHEDULE: (
        Step(Role.SUPERVISOR, CommandAction.REOPEN, lambda _: {"reason_code": "closed_by_mistake"}),
    ),
}
#: things done beside the main line
SIDE_STEPS = (
    Step(Role.SUPERVISOR, CommandAction.CLAIM, lambda _: {}),
    Step(Role.SUPERVISOR, CommandAction.CHANGE_PRIORITY, lambda random: {"priority": random.choice(list(Priority))}),
    Step(Role.SUPERVISOR, CommandAction.ADD_NOTE, lambda _: {"comment": marked("Note about")}),
    Step(Role.SUPERVISOR, CommandAction.RECORD_ATTEMPT, lambda _: {"outcome": AttemptOutcome.NO_ANSWER}),
)


class Staff:
    """Takes referrals a step further until told to stop."""

    def __init__(self, topic: KafkaSender, oracle: Oracle, ledger: Ledger, seed: int, *, per_s: float) -> None:
        self._topic, self._oracle, self._ledger = topic, oracle, ledger
        self._random = Random(f"staff-{seed}")
        self._pause_s = 1 / per_s
        self.given = 0

    def work(self, stop: threading.Event) -> None:
        """Command until told to stop."""
        waiting: list[Mapping[str, Any]] = []
        while not stop.wait(self._pause_s):
            if not waiting:
                waiting = list(self._oracle.latest().values())
                self._random.shuffle(waiting)
                del waiting[50:]
            if waiting:
                self._command(self._decide(waiting.pop()), stop)

    def _decide(self, known: Mapping[str, Any]) -> ReferralCommanded:
        random, version = self._random, int(known["sequence"])
        is_side_step = random.random() < SIDE_SHARE
        step = random.choice(SIDE_STEPS if is_side_step else STEPS[Stage(known["stage"])])
        is_stale = random.random() < STALE_SHARE
        return ReferralCommanded(
            event_id=named_id("command", str(known["referral_id"]), str(version), step.action, str(random.random())),
            referral_id=str(known["referral_id"]),
            network_id=NETWORK,
            action=step.action,
            expected_version=max(1, version - is_stale),
            by_user="sue" if step.role is Role.SUPERVISOR else "somebody",
            by_role=step.role,
            at=datetime.now(UTC),
            **step.fields(random),
        )

    def _command(self, command: ReferralCommanded, stop: threading.Event) -> None:
        self._ledger.ask(command.event_id, command.referral_id)
        times = 2 if self._random.random() < TWICE_SHARE else 1
        while times and not stop.is_set():
            try:
                self._topic.send(command)
            except NotAcknowledged:
                stop.wait(0.2)
                continue
            self._ledger.accept(command.event_id)
            self.given += 1
            times -= 1
