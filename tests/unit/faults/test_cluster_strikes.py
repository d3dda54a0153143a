"""The strikes of the cluster find their victims: the coordinator of a transactional id, and the active controller."""

import json
from pathlib import Path

import pytest

from tests.faults.cluster import leader_of_newest_election
from tests.faults.strikes.cluster import coordinating_partition, transactional_id


@pytest.mark.parametrize(
    ("name", "partition"),
    [
        ("hello", 99162322 % 50),
        # negative in Java
        ("sandbox-1.matcher-0", 1422888238 % 50),
        # the one hash that has no positive counterpart
        ("polygenelubricants", 0),
    ],
)
def test_the_coordinator_is_chosen_by_the_hash_that_java_computes(name: str, partition: int) -> None:
    assert coordinating_partition(name, 50) == partition


def test_a_process_is_known_to_the_coordinator_by_its_service_and_slot() -> None:
    assert transactional_id("sandbox-1.", "matcher.0") == "sandbox-1.matcher-0"


def test_the_newest_election_says_who_is_the_active_controller(tmp_path: Path) -> None:
    for node, (leader, epoch) in enumerate([(1, 4), (3, 10), (2, 9)]):
        (tmp_path / f"{node}").write_text(json.dumps({"leaderId": leader, "leaderEpoch": epoch}))

    assert leader_of_newest_election(sorted(tmp_path.iterdir())) == 3
