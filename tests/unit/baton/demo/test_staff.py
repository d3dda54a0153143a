from random import Random

import pytest

from baton.demo.staff import TEAMS, WORK
from schemas.vocabulary import Stage
from services.board.routes.commands import CommandRequest
from services.stager.data_files import load_rulebook

ENDS = {Stage.COMPLETED, Stage.CLOSED_UNABLE_TO_SCHEDULE}
ROW = {"referral_id": "0000-0000-0000", "version": 4, "appointment_id": None, "appointment_at": None}


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
