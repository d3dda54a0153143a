"""Every sample of every channel becomes what it has to become, or its sender is told why not."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.vocabulary import Channel
from tests.support.clinic import Clinic, NotAccepted

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
EXPECTED: dict[str, Any] = json.loads((SAMPLES / "expected.json").read_text())


@pytest.mark.parametrize("name", EXPECTED)
def test_sample_gets_its_stage_and_its_missing_items(clinic: Clinic, name: str) -> None:
    expected = EXPECTED[name]
    content = (SAMPLES / name).read_bytes()
    channel = Channel(expected["channel"])

    if expected["refused"]:
        with pytest.raises(NotAccepted):
            clinic.hand_in(channel, content, expected["content_type"])
        return
    referral_ids = clinic.hand_in(channel, content, expected["content_type"])

    found = [clinic.referral(referral_id) for referral_id in referral_ids]
    assert [(row["stage"], set(row["missing_items"])) for row in found] == [
        (row["stage"], set(row["missing_items"])) for row in expected["referrals"]
    ]
    for row, wanted in zip(found, expected["referrals"], strict=True):
        # an earlier message of the same patient may have told what this one lacks, and the full form of a nickname
        told = {name: value for name, value in (wanted["patient"] or {}).items() if value and name != "given_name"}
        assert told == {name: row["patient"][name] for name in told}
