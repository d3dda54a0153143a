import copy
from itertools import pairwise
from typing import Any

import pytest

from schemas.vocabulary import ClockState, Role, Stage
from services.stager.data_files import load_stage_table, written_stage_table
from services.stager.rules.reading import WronglyWritten
from services.stager.rules.stage_table import ReasonGroup
from services.stager.rules.stage_table_reader import read_stage_table


@pytest.fixture
def written() -> dict[str, Any]:
    return copy.deepcopy(written_stage_table())


def test_main_line_can_be_walked_from_arrival_to_completion() -> None:
    table = load_stage_table()

    stages = (*table.main_line, Stage.COMPLETED)

    assert all(pair in table.transitions for pair in pairwise(stages))
    assert table.main_line[0] is table.arrives_complete


def test_every_open_stage_can_be_left_by_its_own_team() -> None:
    table = load_stage_table()

    for rule in table.stages.values():
        leaving = [move for move in table.transitions.values() if move.source is rule.stage]
        assert not rule.is_open or any(move.roles & table.teams[rule.team] for move in leaving)


def test_supervisors_may_make_every_move_and_auditors_none() -> None:
    table = load_stage_table()

    for move in table.transitions.values():
        assert Role.SUPERVISOR in move.roles
        assert not move.roles & {Role.AUDITOR, Role.ADMINISTRATOR}


def test_every_exception_and_ending_asks_for_a_reason() -> None:
    table = load_stage_table()

    for move in table.transitions.values():
        # Needs Info and the endings of an appointment included: R7 wants a code for every exception
        if table.is_exception(move.target) or move.target in (Stage.CLOSED_UNABLE_TO_SCHEDULE, Stage.NO_SHOW):
            assert move.reasons is not None, move


def test_every_reason_group_is_used_by_some_move() -> None:
    table = load_stage_table()

    used = {move.reasons for move in table.transitions.values()} | {m.waived_by for m in table.transitions.values()}

    assert used - {None} == set(ReasonGroup)


def test_exceptions_keep_the_time_of_what_they_interrupt() -> None:
    table = load_stage_table()

    exceptions = {stage for stage in Stage if table.is_exception(stage)}

    assert exceptions == {Stage.INTAKE_NEEDS_INFO, Stage.WAITING_ON_REFERRING_OFFICE, Stage.PATIENT_UNREACHABLE}
    assert table.stages[Stage.WAITING_ON_REFERRING_OFFICE].clock is ClockState.PAUSED


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (("stages", "eligibility", "team"), "nobody", "is no Team"),
        (("stages", "eligibility", "tasks"), [], "creates no task"),
        (("stages", "eligibility", "tasks"), ["dance"], "task dance is not described"),
        (("stages", "eligibility", "color"), "red", "color not known"),
        (("stages", "completed", "tasks"), ["review_referral"], "is the end and creates tasks"),
        (("teams", "scheduling"), ["pilot"], "is no Role"),
        (("appointments", "reason"), {"noshow": "overslept"}, "overslept is not known"),
        (("appointments", "leads_to"), {}, "leads nowhere"),
        (("reasons", "closing", "other"), {"text": "x", "from": "soon"}, "from is no date"),
        (("reasons", "closing", "no_answer"), {"text": "x"}, "written twice"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(
    written: dict[str, Any], path: tuple[str, ...], value: object, complaint: str
) -> None:
    *parents, last = path
    part = written
    for parent in parents:
        part = part[parent]
    part[last] = value

    with pytest.raises(WronglyWritten, match=complaint):
        read_stage_table(written)


def test_a_forgotten_stage_is_refused(written: dict[str, Any]) -> None:
    del written["stages"]["no_show"]
    for move in written["transitions"]:
        move["from"] = [stage for stage in move["from"] if stage != "no_show"]

    with pytest.raises(WronglyWritten, match="no_show is not described"):
        read_stage_table(written)


def test_a_paused_stage_that_is_entered_without_a_reason_is_refused(written: dict[str, Any]) -> None:
    for move in written["transitions"]:
        if move["to"] == "waiting_on_referring_office":
            del move["reasons"]

    with pytest.raises(WronglyWritten, match="pauses the clock without a reason"):
        read_stage_table(written)


def test_the_same_move_twice_is_refused(written: dict[str, Any]) -> None:
    written["transitions"].append({"from": ["intake_received"], "to": "eligibility", "roles": []})

    with pytest.raises(WronglyWritten, match="written twice"):
        read_stage_table(written)
