"""Each seeded bug still finds the text it replaces, so that none of them is silently out of use."""

from pathlib import Path

import pytest

from tests.faults.mutants.catalogue import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[3]


def test_there_are_twenty_seeded_bugs_of_different_names() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 20


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_seeded_bug_replaces_one_place_of_the_code(mutant: Mutant) -> None:
    assert (ROOT / mutant.path).read_text().count(mutant.old) == 1
    assert mutant.old != mutant.new
