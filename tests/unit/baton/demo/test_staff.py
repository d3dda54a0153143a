import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from random import Random

import pytest

from baton.demo.network import TEAMS
from baton.demo.staff import Staff
from baton.demo.work import WORK
from schemas.vocabulary import Stage
from services.board.routes.commands import CommandRequest
from services.stager.data_files import load_rulebook

ENDS = {Stage.COMPLETED, Stage.CLOSED_UNABLE_TO_SCHEDULE}
ROW = {
    "referral_id": "0000-0000-0000",
    "version": 4,
    "appointment_id": None,
    "appointment_at": None,
    "missing_items": [],
}


@contextmanager
def receiving() -> Iterator[tuple[str, list[Message]]]:
    """Serve a board without queues and keep the headers of what it is asked."""
    seen: list[Message] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", seen
        server.shutdown()
        thread.join()


def test_somebody_works_every_open_stage() -> None:
    assert set(WORK) == set(Stage) - ENDS
    assert {user for user, _ in WORK.values()} == set(TEAMS.values())


@pytest.mark.parametrize("stage", WORK)
def test_what_staff_ask_for_is_a_command_of_the_board(stage: Stage) -> None:
    for choice in WORK[stage][1]:
        body = {name: value for name, value in choice.make(Random(1), ROW).items() if value is not None}

        assert CommandRequest.model_validate(body).action


def test_moves_of_the_staff_stand_in_the_stage_table() -> None:
    moves = {
        (stage, Stage(str(body["to_stage"])))
        for stage, (_, choices) in WORK.items()
        for choice in choices
        if (body := choice.make(Random(1), ROW))["action"] == "move"
    }
    table = load_rulebook("demo").table

    assert all(end in table.targets(start) for start, end in moves)


def test_staff_show_a_board_behind_a_proxy_what_it_wants_to_see() -> None:
    with receiving() as (url, seen):
        staff = Staff(url, 7, proof="known")
        staff.step()
        staff.close()

    assert seen and {request["X-Baton-Proxy"] for request in seen} == {"known"}
