"""A person hands a file in at the terminal, sees where the referral arrived, and finds it again."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from baton.sandbox import Sandbox

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLES = REPOSITORY / "tests" / "samples"


def baton(sandbox: Sandbox, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "baton", *words],
        env={**os.environ, **sandbox.environment()},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("name", ["fax/complete.pdf", "hl7/missing_phone.hl7", "callcentre/five_calls.csv"])
def test_sending_and_waiting_tells_the_stage_and_status_finds_it(sandbox: Sandbox, name: str) -> None:
    expected = json.loads((SAMPLES / "expected.json").read_text("utf-8"))[name]["referrals"]

    sent = baton(sandbox, "send", str(SAMPLES / name), "--wait", "20", "--json")

    assert sent.returncode == 0, sent.stderr
    told = json.loads(sent.stdout)["referrals"]
    assert [(one["stage"], set(one["missing_items"])) for one in told] == [
        (one["stage"], set(one["missing_items"])) for one in expected
    ]
    found = baton(sandbox, "status", told[0]["referral_id"], "--json")
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["referrals"][0]["referral_id"] == told[0]["referral_id"]


def test_sending_without_waiting_tells_the_ids_in_words(sandbox: Sandbox) -> None:
    sent = baton(sandbox, "send", str(SAMPLES / "mail" / "nickname.eml"), "--network", "riverside", "--clinic", "lake")

    assert sent.returncode == 0, sent.stderr
    assert "nickname.eml  referral " in sent.stdout
    assert "  submission " in sent.stdout


def test_waiting_in_vain_is_a_failure_with_the_reason(sandbox: Sandbox) -> None:
    begun = time.monotonic()
    # a network nobody of this one may see
    sent = baton(sandbox, "send", str(SAMPLES / "mail" / "nickname.eml"), "--network", "elsewhere", "--wait", "1")

    assert sent.returncode == 1
    assert "not on the board yet" in sent.stderr
    assert time.monotonic() - begun < 30
