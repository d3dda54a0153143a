"""The supervisor of the demo network: accepts escalations and decides which patients are one."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from baton.demo.board import Board
from baton.demo.network import SUPERVISOR, SUPERVISOR_QUEUES
from baton.demo.work import how_long

#: looking at possible duplicates is audited for each patient shown, so it is done now and then
REVIEW_EVERY = 20
REVIEWED_AT_ONCE = 20


class Supervisor:
    """Takes up what nobody else may decide."""

    user = SUPERVISOR

    def __init__(self, board: Board, takes_s: float) -> None:
        self._board, self._takes_s = board, takes_s
        self._turns = 0

    def turn(self) -> None:
        """Accept escalations that lay long enough; now and then review possible duplicates."""
        for queue in SUPERVISOR_QUEUES:
            self._accept(queue)
        if self._turns % REVIEW_EVERY == 0:
            self._review()
        self._turns += 1

    def _accept(self, queue: str) -> None:
        now = datetime.now(UTC)
        for task in self._board.get(self.user, "/api/tasks", queue=queue, most=50)["tasks"]:
            created = datetime.fromisoformat(task["created_at"])
            if created + how_long(task["task_id"], self._takes_s) <= now:
                wish = {"action": "complete_task", "task_id": task["task_id"]}
                self._board.wish(self.user, f"/api/referrals/{task['referral_id']}/commands", wish)

    def _review(self) -> None:
        pairs = self._board.get(self.user, "/api/possible-duplicates")
        for pair in [pair for pair in pairs if pair["patient"] and pair["candidate"]][:REVIEWED_AT_ONCE]:
            self._decide(pair)

    def _decide(self, pair: Mapping[str, Any]) -> None:
        one, other = pair["patient"], pair["candidate"]
        is_same = all(one[fact] == other[fact] for fact in ("given_name", "birth_date"))
        wish = {
            "kind": "review",
            "other_patient_id": other["patient_id"],
            "decision": "same" if is_same else "not_same",
        }
        self._board.wish(self.user, f"/api/patients/{one['patient_id']}/corrections", wish)
