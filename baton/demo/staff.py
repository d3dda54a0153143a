"""Simulated staff: they work their queues through the board's API, as people would, at a pace one can watch."""

import threading
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

from baton.demo.board import BOARD_AWAY, Board
from baton.demo.network import SUPERVISOR, TEAMS
from baton.demo.supervisor import Supervisor
from baton.demo.work import Row, choose, taken_up_at
from baton.synthetic.town import townspeople
from schemas.vocabulary import MissingItem, Stage

AWAY_S = 1.0
#: so many referrals somebody takes up before looking at the queues again
AT_ONCE = 5
COMPLETED_SHARE = 0.75
#: of a referral that lacks something: what a call to patient or office tells
TOLD_BY_PHONE = {
    MissingItem.SPECIALTY: {"specialty": "Cardiology"},
    MissingItem.REFERRING_PROVIDER: {"referring_provider": "Dr. Helen Marsh"},
    MissingItem.REASON: {"reason": "Palpitations on exertion"},
}


class Staff:
    """The people of the demo network; a referral lies for `takes_s` on average before somebody gets to it."""

    def __init__(self, board_url: str, seed: int, *, proof: str = "", takes_s: float = 0.0) -> None:
        self._board = Board(board_url, proof=proof)
        self._random = Random(f"staff-{seed}")
        self._takes_s = takes_s
        self._members = [Member(user, self._board, Random(f"{user}-{seed}"), takes_s) for user in TEAMS.values()]
        self._supervisor = Supervisor(self._board, takes_s)

    @property
    def done(self) -> int:
        """How many wishes came true."""
        return self._board.done

    @property
    def refused(self) -> int:
        """How many wishes were refused."""
        return self._board.refused

    def start(self, stop: threading.Event, pace_s: float) -> Iterator[threading.Thread]:
        """Let everyone work, each at their own desk, until told to stop."""
        everyone: tuple[Member | Supervisor, ...] = (*self._members, self._supervisor)
        for someone in everyone:
            work = threading.Thread(target=_work, args=(someone, stop, pace_s), name=someone.user, daemon=True)
            work.start()
            yield work

    def close(self) -> None:
        """Give the connections to the board up."""
        self._board.close()

    def step(self) -> None:
        """Let one person take a referral of a queue a step further, full queues first."""
        queues = _open_queues(self._board, SUPERVISOR, TEAMS)
        if queues:
            queue = self._random.choices([row["queue"] for row in queues], [row["open"] for row in queues])[0]
            user = TEAMS[_team(queue)]
            next(member for member in self._members if member.user == user).take_from(queue, at_once=1)


class Member:
    """One person of a team."""

    def __init__(self, user: str, board: Board, random: Random, takes_s: float) -> None:
        self.user = user
        self._board, self._random, self._takes_s = board, random, takes_s
        self._teams = [team for team, worker in TEAMS.items() if worker == user]

    def turn(self) -> None:
        """Look at the own queues and take up what lay long enough."""
        for row in _open_queues(self._board, self.user, self._teams):
            self.take_from(row["queue"], at_once=AT_ONCE)

    def take_from(self, queue: str, *, at_once: int) -> None:
        """Take some referrals of a queue a step further, those that are due first."""
        now = datetime.now(UTC)
        rows = self._board.get(self.user, f"/api/queues/{queue}/referrals", most=200)["referrals"]
        waiting = [row for row in rows if taken_up_at(row, self._takes_s) <= now]
        likely = waiting[: max(at_once, len(waiting) // 2)]
        for row in self._random.sample(likely, min(at_once, len(likely))):
            self._act(row)

    def _act(self, row: Row) -> None:
        if row["stage"] == Stage.INTAKE_NEEDS_INFO and self._random.random() < COMPLETED_SHARE:
            self._complete(row["referral_id"])
            return
        user, step = choose(self._random, row)
        wish = {**step, "expected_version": row["version"]}
        self._board.wish(user, f"/api/referrals/{row['referral_id']}/commands", wish)

    def _complete(self, referral_id: str) -> None:
        """Call and write down what is missing; what is no fact of a form is settled by completing the task."""
        referral = self._board.get(self.user, f"/api/referrals/{referral_id}")
        if told := self._told(referral["missing_items"]):
            wish = {**told, "kind": "demographics", "referral_id": referral_id}
            self._board.wish(self.user, f"/api/patients/{referral['patient_id']}/corrections", wish)
            return
        own = [task for task in referral["open_tasks"] if task["owner_queue"] == referral["owner_queue"]]
        if own:
            done = {"action": "complete_task", "task_id": own[0]["task_id"]}
            self._board.wish(self.user, f"/api/referrals/{referral_id}/commands", done)

    def _told(self, missing: Sequence[str]) -> dict[str, object]:
        person = self._random.choice(townspeople())
        patient: dict[MissingItem, dict[str, str]] = {
            MissingItem.PATIENT_NAME: {"given_name": person.given_name, "last_name": person.last_name},
            MissingItem.DATE_OF_BIRTH: {"birth_date": person.birth_date.isoformat()},
            MissingItem.PHONE: {"phone": person.phone},
        }
        by_item = {**patient, **TOLD_BY_PHONE}
        return {name: value for item in missing for name, value in by_item.get(MissingItem(item), {}).items()}


def _work(someone: Member | Supervisor, stop: threading.Event, pace_s: float) -> None:
    while not stop.is_set():
        try:
            someone.turn()
        except BOARD_AWAY:
            stop.wait(AWAY_S)
        stop.wait(pace_s)


def _open_queues(board: Board, user: str, teams: Collection[str]) -> list[dict[str, Any]]:
    return [row for row in board.get(user, "/api/queues") if _team(row["queue"]) in teams and row["open"]]


def _team(queue: str) -> str:
    return queue.rpartition(".")[2]
