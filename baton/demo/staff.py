"""Simulated staff: they work their queues through the board's API, as people would, at a pace one can watch."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import httpx

from schemas.ids import named_id
from schemas.vocabulary import Stage

#: stage, version and the rest of a referral as the board tells it -> the body of a command without its id
Step = dict[str, object]


@dataclass(frozen=True)
class Choice:
    """One thing a member of staff may do next, and how often it is chosen."""

    weight: float
    make: Callable[[Random, Mapping[str, Any]], Step]


def _move(to: Stage, reason: str | None = None, comment: str | None = None) -> Callable[..., Step]:
    return lambda _random, _referral: {
        "action": "move",
        "to_stage": to.value,
        "reason_code": reason,
        "comment": comment,
    }


def _attempt(_random: Random, _referral: Mapping[str, Any]) -> Step:
    return {"action": "record_attempt", "outcome": "no_answer"}


def _appointment(status: str) -> Callable[..., Step]:
    def make(random: Random, referral: Mapping[str, Any]) -> Step:
        at = datetime.now(UTC) + timedelta(minutes=random.randint(2, 6))
        return {
            "action": "record_appointment",
            "appointment_id": referral.get("appointment_id") or f"APT-{referral['referral_id']}",
            "appointment_status": status,
            "appointment_at": referral.get("appointment_at") or at.isoformat(),
            "appointment_version": int(referral["version"]),
        }

    return make


#: who works a stage, and what they do there
WORK: Mapping[Stage, tuple[str, tuple[Choice, ...]]] = {
    Stage.INTAKE_RECEIVED: ("ivy", (Choice(1.0, _move(Stage.ELIGIBILITY)),)),
    Stage.INTAKE_NEEDS_INFO: (
        "ivy",
        (
            Choice(0.7, _move(Stage.WAITING_ON_REFERRING_OFFICE, "clarification_needed", "Asked for what is missing.")),
            Choice(0.3, _move(Stage.CLOSED_UNABLE_TO_SCHEDULE, "withdrawn_by_referrer")),
        ),
    ),
    Stage.ELIGIBILITY: (
        "eli",
        (
            Choice(0.94, _move(Stage.DOCUMENTATION)),
            Choice(0.06, _move(Stage.CLOSED_UNABLE_TO_SCHEDULE, "insurance_not_accepted")),
        ),
    ),
    Stage.DOCUMENTATION: (
        "dora",
        (
            Choice(0.8, _move(Stage.CLINICAL_REVIEW)),
            Choice(0.2, _move(Stage.WAITING_ON_REFERRING_OFFICE, "documents_missing")),
        ),
    ),
    Stage.WAITING_ON_REFERRING_OFFICE: (
        "dora",
        (
            Choice(0.8, _move(Stage.DOCUMENTATION)),
            Choice(0.2, _move(Stage.CLOSED_UNABLE_TO_SCHEDULE, "referring_office_silent")),
        ),
    ),
    Stage.CLINICAL_REVIEW: (
        "cleo",
        (
            Choice(0.92, _move(Stage.READY_TO_SCHEDULE)),
            Choice(0.08, _move(Stage.DOCUMENTATION, "documents_incomplete")),
        ),
    ),
    Stage.READY_TO_SCHEDULE: (
        "sam",
        (
            Choice(0.7, _appointment("booked")),
            Choice(0.2, _attempt),
            Choice(0.1, _move(Stage.PATIENT_UNREACHABLE, "no_answer")),
        ),
    ),
    Stage.PATIENT_UNREACHABLE: ("ivy", (Choice(1.0, _move(Stage.READY_TO_SCHEDULE)),)),
    Stage.SCHEDULED: ("sam", (Choice(0.85, _appointment("fulfilled")), Choice(0.15, _appointment("noshow")))),
    Stage.NO_SHOW: ("sam", (Choice(1.0, _move(Stage.READY_TO_SCHEDULE)),)),
    Stage.CANCELLED: ("sam", (Choice(1.0, _move(Stage.READY_TO_SCHEDULE)),)),
}
TEAMS: Mapping[str, str] = {
    "intake": "ivy",
    "eligibility": "eli",
    "documentation": "dora",
    "clinical_review": "cleo",
    "scheduling": "sam",
}
SUPERVISOR = "sue"


class Staff:
    """The people of the demo network."""

    def __init__(self, board_url: str, seed: int, *, proof: str = "") -> None:
        #: what a board behind a proxy wants to see
        vouched = {"X-Baton-Proxy": proof} if proof else {}
        self._client = httpx.Client(base_url=board_url, timeout=10.0, headers=vouched)
        self._random = Random(f"staff-{seed}")
        self.done = 0
        self.refused = 0

    def work(self, stop: threading.Event, pace_s: float) -> None:
        """Take one step after another until told to stop; the board being away is waited out."""
        while not stop.wait(pace_s):
            try:
                self.step()
            except (httpx.HTTPError, KeyError, ValueError):
                stop.wait(1.0)

    def close(self) -> None:
        """Give the connection to the board up."""
        self._client.close()

    def step(self) -> None:
        """Let one person take a referral of a queue a step further, full queues first."""
        open_of = {row["queue"]: row["open"] for row in self._get("/api/queues", SUPERVISOR)}
        queues = [queue for queue in open_of if queue.rpartition(".")[2] in TEAMS and open_of[queue]]
        if not queues:
            return
        queue = self._random.choices(queues, [open_of[queue] for queue in queues])[0]
        rows = self._get(f"/api/queues/{queue}/referrals?most=20", TEAMS[queue.rpartition(".")[2]])["referrals"]
        if rows:
            self._act(self._random.choice(rows[: max(1, len(rows) // 2)]))

    def _act(self, row: Mapping[str, Any]) -> None:
        user, choices = WORK[Stage(row["stage"])]
        choice = self._random.choices(choices, [c.weight for c in choices])[0]
        body = choice.make(self._random, row)
        body |= {
            "command_id": named_id("demo", str(row["referral_id"]), str(row["version"]), str(body["action"])),
            "expected_version": row["version"],
        }
        body = {name: value for name, value in body.items() if value is not None}
        reply = self._client.post(
            f"/api/referrals/{row['referral_id']}/commands", json=body, params={"wait_s": 2}, headers=_as(user)
        )
        if reply.status_code == httpx.codes.OK:
            self.done += 1
        else:
            self.refused += 1

    def _get(self, path: str, user: str) -> Any:
        reply = self._client.get(path, headers=_as(user))
        reply.raise_for_status()
        return reply.json()


def _as(user: str) -> dict[str, str]:
    return {"X-Baton-User": user}
