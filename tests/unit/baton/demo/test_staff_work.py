"""Staff at a board of which the test says what is in its queues, and whether it is there."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

import pytest

from baton.demo.network import TEAMS
from baton.demo.staff import Staff
from baton.demo.work import choose, taken_up_at
from schemas.vocabulary import Stage
from tests.support.waiting import eventually

ENTERED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STAGE_OF = {
    "intake": Stage.INTAKE_RECEIVED,
    "eligibility": Stage.ELIGIBILITY,
    "documentation": Stage.DOCUMENTATION,
    "clinical_review": Stage.CLINICAL_REVIEW,
    "scheduling": Stage.READY_TO_SCHEDULE,
}
PACE_S = 0.01


def row(stage: Stage, **known: object) -> dict[str, Any]:
    return {
        "referral_id": f"0000-0000-{stage}",
        "stage": stage.value,
        "stage_entry": 3,
        "stage_entered_at": ENTERED.isoformat(),
        "version": 4,
        "missing_items": [],
        "appointment_at": None,
        **known,
    }


class Board:
    """Has a referral in each queue, an escalation and a possible duplicate; notes who asks for what."""

    def __init__(self) -> None:
        self.wishes: list[tuple[str, dict[str, Any]]] = []
        self.port = 0

    @contextmanager
    def open(self) -> Iterator[str]:
        """Serve, on the same port as before when it was open before."""
        server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        self.port = server.server_port
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{self.port}"
        server.shutdown()
        server.server_close()

    def answer(self, path: str) -> object:
        """Return what a request is answered."""
        known: dict[str, object] = {
            "/api/queues": [{"queue": f"riverside.hill.{team}", "open": 2} for team in TEAMS],
            "/api/tasks": {"tasks": [{"task_id": "T1", "referral_id": "R1", "created_at": ENTERED.isoformat()}]},
            "/api/possible-duplicates": [_pair("Ann", "Ann"), _pair("Ann", "Beth"), {"patient": {}, "candidate": None}],
        }
        team = path.split("/")[3].rpartition(".")[2] if path.endswith("/referrals") else ""
        return known.get(path) or {"referrals": [row(STAGE_OF[team])]}


def _pair(one: str, other: str) -> dict[str, Any]:
    sides = {"patient": one, "candidate": other}
    return {side: {"patient_id": side, "given_name": name, "birth_date": "1980-01-01"} for side, name in sides.items()}


def _handler(board: Board) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply(board.answer(self.path.partition("?")[0]))

        def do_POST(self) -> None:
            wish = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            board.wishes.append((self.headers["X-Baton-User"], wish))
            self._reply({})

        def _reply(self, answer: object) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            return

    return Handler


@contextmanager
def working(staff: Staff) -> Iterator[list[threading.Thread]]:
    stop = threading.Event()
    threads = list(staff.start(stop, PACE_S))
    yield threads
    stop.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_everyone_who_has_a_queue_works_it() -> None:
    board = Board()
    with board.open() as url, working(Staff(url, 7)):
        eventually(lambda: {user for user, _ in board.wishes} == {*TEAMS.values(), "sue"}, what="everyone at work")

    decisions = {wish["decision"] for _, wish in board.wishes if wish.get("kind") == "review"}
    assert decisions == {"same", "not_same"}
    assert any(user == "sue" and wish.get("action") == "complete_task" for user, wish in board.wishes)


def test_no_wish_gets_the_answer_of_an_earlier_one() -> None:
    board = Board()
    with board.open() as url:
        staff = Staff(url, 7)
        for _ in range(20):
            staff.step()
        staff.close()

    assert len({wish["command_id"] for _, wish in board.wishes}) == len(board.wishes) == 20


def test_staff_go_on_when_the_board_comes_back() -> None:
    board = Board()
    with board.open() as url:
        staff = Staff(url, 7)
    with working(staff):
        for _ in range(2):
            board.wishes.clear()
            with board.open():
                eventually(lambda: {user for user, _ in board.wishes} >= {*TEAMS.values()}, what="everyone at work")


@pytest.mark.parametrize(("missing", "target"), [([], Stage.DOCUMENTATION), (["phone"], Stage.INTAKE_NEEDS_INFO)])
def test_who_waited_for_the_office_goes_back_to_where_it_was(missing: list[str], target: Stage) -> None:
    waiting = row(Stage.WAITING_ON_REFERRING_OFFICE, missing_items=missing)

    targets = Counter(choose(Random(n), waiting)[1].get("to_stage") for n in range(200))

    assert targets[target] > 100
    assert set(targets) == {target, None, Stage.CLOSED_UNABLE_TO_SCHEDULE}


def test_outcome_is_not_known_before_the_appointment() -> None:
    appointment = ENTERED + timedelta(hours=1)
    scheduled = row(Stage.SCHEDULED, appointment_at=appointment.isoformat())

    assert taken_up_at(scheduled, 12.0) > appointment
    assert taken_up_at(row(Stage.DOCUMENTATION), 12.0) < appointment
    assert taken_up_at(row(Stage.DOCUMENTATION), 0.0) == ENTERED
