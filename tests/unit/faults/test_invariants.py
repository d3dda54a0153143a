"""The checker of the fault campaign can fail: each way to spoil a sound history is found and called by its name."""

from dataclasses import replace

import pytest

from tests.faults.corruptions import CORRUPTIONS, Corruption
from tests.faults.evidence import Recovery
from tests.faults.invariants import check
from tests.faults.invariants.path import first_stages, legal_moves
from tests.faults.world import at, sound_world


def test_a_sound_campaign_has_no_violations() -> None:
    assert check(sound_world().evidence()) == ()


def test_there_are_forty_corruptions_and_every_invariant_has_some() -> None:
    assert len(CORRUPTIONS) >= 40
    assert {c.invariant.value for c in CORRUPTIONS} == set("ABCDEFGHI")


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda corruption: corruption.name)
def test_a_corruption_is_caught_by_its_invariant_alone(corruption: Corruption) -> None:
    world = sound_world()

    corruption.spoil(world)
    found = check(world.evidence())

    assert {violation.invariant for violation in found} == {corruption.invariant}, found


def test_a_long_standstill_is_wrong_where_a_release_is_measured_and_one_without_end_everywhere() -> None:
    world = sound_world()
    world.recoveries.append(Recovery("kill", at(200), 31.0))
    anywhere = replace(world.evidence(), recovers_within_s=None)

    assert {violation.what for violation in check(world.evidence())} == {"stood still for 31 s"}
    assert check(anywhere) == ()
    without_end = replace(anywhere, recoveries=(Recovery("kill", at(200), None),))
    assert {violation.what for violation in check(without_end)} == {"stood still for ever"}


def test_legal_moves_come_from_the_written_stage_table() -> None:
    assert ("intake_received", "eligibility") in legal_moves()
    assert ("intake_received", "scheduled") not in legal_moves()
    assert first_stages() == {"intake_received", "intake_needs_info"}
