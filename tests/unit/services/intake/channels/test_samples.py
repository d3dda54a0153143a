"""The samples are what their script writes, and the doors do with them what expected.json says."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.vocabulary import Channel
from services.intake.channels.arrivals import Handed, arrivals_of
from services.intake.channels.refusal import Refusal
from tests.samples.make_samples import make
from tests.support.channels import NOW, SENDER

SAMPLES = Path(__file__).parents[4] / "samples"
EXPECTED: dict[str, dict[str, Any]] = json.loads((SAMPLES / "expected.json").read_text("utf-8"))


def test_the_committed_samples_are_those_of_the_script(tmp_path: Path) -> None:
    make(tmp_path)

    made = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    committed = {str(path.relative_to(SAMPLES)) for path in SAMPLES.glob("*/*") if path.suffix not in (".py", ".pyc")}
    assert committed == made - {"expected.json"} == set(EXPECTED)
    for name in made:
        assert (SAMPLES / name).read_bytes() == (tmp_path / name).read_bytes(), name


@pytest.mark.parametrize("name", EXPECTED)
def test_a_sample_becomes_as_many_submissions_as_expected(name: str) -> None:
    row = EXPECTED[name]
    handed = Handed(
        channel=Channel(row["channel"]), content=(SAMPLES / name).read_bytes(), content_type=row["content_type"]
    )
    try:
        found = len(arrivals_of(handed, SENDER, now=NOW))
    except Refusal:
        found = 0

    assert found == len(row["referrals"])
    assert row["refused"] == (found == 0)


def test_all_samples_are_different_submissions() -> None:
    ids = [
        arrival.submission_id
        for name, row in EXPECTED.items()
        if not row["refused"]
        for arrival in arrivals_of(
            Handed(
                channel=Channel(row["channel"]), content=(SAMPLES / name).read_bytes(), content_type=row["content_type"]
            ),
            SENDER,
            now=NOW,
        )
    ]

    assert len(set(ids)) == len(ids)
