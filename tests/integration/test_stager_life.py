"""The same lives through the pure rules and through the stager's step on a real Postgres come out the same.

The process may die before or after the database's commit; then the same records come again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import count
from typing import Any, ClassVar

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test
from psycopg import sql
from psycopg.rows import dict_row

from baton.migrations import migrate
from baton.stack.addresses import Addresses
from runtime.delivery import RawRecord
from schemas.events import ReferralChanged, ReferralCommanded, ReferralState
from services.stager import store
from services.stager.pipeline import SERVICE
from services.stager.rules.decision import Change, NoChange, Refusal
from services.stager.rules.transitions import Input
from tests.support.databases import temporary_database
from tests.support.mortal_stager import KEPT, Fate, MortalStager
from tests.support.paper_stager import Taken
from tests.support.stager_machine import StagerMachine

TOLD = {event.schema_name: event for event in (ReferralChanged, ReferralState)}
#: columns of the history that stand in the event of the change under another name
RENAMED = {"from_stage": "previous_stage", "to_stage": "stage"}
#: columns of the history that everyone is told
TOLD_COLUMNS = (
    "network_id", "referral_id", "sequence", "clinic_id", "kind", "from_stage", "to_stage", "stage_entry",
    "stage_entered_at", "waiting_on", "owner_queue", "owner_user", "clock", "due_at", "priority", "actor_type",
    "actor", "reason_code", "breached", "is_rework", "effective_at", "recorded_at", "cause_id", "stage_table_version",
)  # fmt: skip

Row = dict[str, Any]


@pytest.fixture(scope="module")
def url(stack: Addresses) -> Iterator[str]:
    with temporary_database(stack.database_url) as url:
        migrate(url)
        yield url


class LifeOnPostgres(StagerMachine):
    """Puts what the pure rules take through the step too, several at once or one by one, and compares."""

    database_url: ClassVar[str]
    lives = count()

    def __init__(self) -> None:
        super().__init__()
        with psycopg.connect(self.database_url) as owner:
            for table in KEPT:
                owner.execute(sql.SQL("DELETE FROM stager.{}").format(sql.Identifier(table)))
        self.chain = f"life{next(self.lives)}"
        self.real = MortalStager(self.database_url, instance=self.chain)
        self.fate, self.gathers, self.is_sound = Fate.LIVES, 1, True
        self.waiting: list[RawRecord] = []
        self.compared = 0

    @rule(fate=st.sampled_from(Fate))
    def the_next_step_is_fatal(self, fate: Fate) -> None:
        self.fate = fate

    @rule(records=st.integers(1, 6))
    def the_next_step_takes_many(self, records: int) -> None:
        self.gathers = records

    def deliver(self, event: Input) -> Taken:
        self.is_sound = False
        taken = super().deliver(event)
        self.waiting.append(self.real.record(event))
        if len(self.waiting) >= self.gathers:
            self._step()
        self.is_sound = True
        return taken

    def teardown(self) -> None:
        # after a failure the rest would fail too, and hide it
        if self.is_sound:
            self.fate = Fate.LIVES
            self._step()
            assert self.compared == len(self.paper.told)
        self.real.die()

    def _step(self) -> None:
        self.real.step(self.waiting, self.fate)
        self.fate, self.gathers, self.waiting = Fate.LIVES, 1, []
        self._compare_said()
        self._compare_tables()

    def _compare_said(self) -> None:
        new = self.real.said[self.compared :]
        told = [self.real.codec.decode(TOLD[output.topic], output.value) for output in new]
        self.compared += len(new)
        assert told == self.paper.told[self.compared - len(new) : self.compared]
        assert self.real.owes or self.compared == len(self.paper.told)

    def _compare_tables(self) -> None:
        working = self.paper.working
        told = [told for told in self.paper.told if isinstance(told, ReferralChanged)]
        history = [_history_row(*both) for both in zip(working.changes, told, strict=True)]
        answers = [answer for taken in self.paper.taken.values() for answer in _answers(taken)]
        with self.real.connection.transaction():
            assert store.load(self.real.connection, working.referrals, {}).referrals == working.referrals
            self._compare("task", map(asdict, working.touched_tasks.values()), "task_id")
            self._compare("stage_history", history, "referral_id", "sequence")
            self._compare("command", answers, "command_id")
            assert self._audited() == [_audit_row(change) for change in working.changes]

    def _compare(self, table: str, expected: Iterable[Row], *order: str) -> None:
        with self.real.connection.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(f"SELECT * FROM stager.{table}".encode()).fetchall()
        assert _in_order(rows, *order) == _in_order(expected, *order)

    def _audited(self) -> list[Row]:
        query = "SELECT referral_id, cause_id, action, actor, actor_role FROM audit.entry WHERE chain_id = %s"
        with self.real.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(f"{query} ORDER BY position".encode(), [f"{SERVICE}-{self.chain}"]).fetchall()


def _in_order(rows: Iterable[Row], *order: str) -> list[Row]:
    return sorted(rows, key=lambda row: [row[name] for name in order])


def _history_row(change: Change, told: ReferralChanged) -> Row:
    own = {"comment": change.comment, "outcome": change.outcome, "task_id": change.task_id}
    as_told = {name: getattr(told, RENAMED.get(name, name)) for name in TOLD_COLUMNS}
    return {**as_told, **own, "actor_role": change.cause.actor_role}


def _answers(taken: Taken) -> Iterator[Row]:
    command, outcome, after = taken.event, taken.outcome, taken.after
    if not isinstance(command, ReferralCommanded):
        return
    is_theirs = after is not None and after.network_id == command.network_id
    yield {
        **{
            name: getattr(command, name) for name in ("network_id", "referral_id", "action", "by_user", "by_role", "at")
        },
        "command_id": command.event_id,
        "outcome": "refused" if isinstance(outcome, Refusal) else "applied",
        "refusal": outcome.rule if isinstance(outcome, Refusal) else None,
        "detail": (outcome.detail or None) if isinstance(outcome, Refusal | NoChange) else None,
        "version": after.sequence if after is not None and is_theirs else None,
    }


def _audit_row(change: Change) -> Row:
    return {
        "referral_id": change.after.referral_id,
        "cause_id": change.cause.cause_id,
        "action": change.kind,
        "actor": change.cause.actor,
        "actor_role": change.cause.actor_role,
    }


def test_rules_and_tables_live_the_same_lives(url: str) -> None:
    class Here(LifeOnPostgres):
        database_url = url

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
            # on a database, making a failing life shorter takes longer than a test may: it is told as it was
            phases=[Phase.explicit, Phase.generate],
        ),
    )
