"""A fault campaign that is not clean leaves what its cause can be found by."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg

from baton.migrations import migrate
from baton.stack.addresses import Addresses
from tests.faults.mutants.__main__ import copy_tree, mutate
from tests.faults.mutants.catalogue import MUTANTS
from tests.faults.snapshot import told_signals

NOTICE = """
    INSERT INTO courier.notice (network_id, notice_id, recipient_queue, kind, window_start, window_end, signal_ids,
        referral_ids, created_at)
    VALUES ('n', %s, 'n.c.team', %s, now(), now(), %s, '{}', now())
"""
BUG = "a stage entered without its tasks"


def test_a_seeded_bug_leaves_topics_tables_ledger_and_where_its_ids_were_seen(stack: Addresses, tmp_path: Path) -> None:
    root, folder = tmp_path / "tree", tmp_path / "campaign"
    folder.mkdir()
    copy_tree(root)
    mutate(next(mutant for mutant in MUTANTS if mutant.name == BUG), root)
    environment = {**os.environ, **stack.as_environment(), "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}

    probe = [sys.executable, "-m", "tests.faults.mutants.probing", BUG, str(folder)]
    done = subprocess.run(probe, cwd=root, env=environment, capture_output=True, text=True, timeout=600)

    assert done.returncode == 1, done.stderr
    kept = folder / "evidence"
    assert not list(kept.glob("*.failed"))
    assert (folder / "stager.0.log").read_text()
    changes = [json.loads(line) for line in (kept / "topics/referral.changed.v1.jsonl").read_text().splitlines()]
    assert changes
    assert {change["is_committed"] for change in changes} <= {True, False}
    assert all(change["value_base64"] and change["key"] == change["reads"]["referral_id"] for change in changes)
    assert len((kept / "tables/stager.referral.csv").read_text().splitlines()) > 1
    assert '"what": "Sent"' in (kept / "ledger.jsonl").read_text()
    assert '"group": "stager"' in (kept / "offsets.jsonl").read_text()
    lines = (kept / "extract.txt").read_text().splitlines()
    violations = [line for line in lines if line.startswith("== C open without a task")]
    assert 0 < len(violations) <= 12
    wanted = {"evidence/topics/referral.changed.v1.jsonl", "evidence/tables/stager.referral.csv"}
    assert any(wanted <= files_that_hold(violation.rpartition(" ")[2], lines) for violation in violations)


def files_that_hold(referral_id: str, lines: list[str]) -> set[str]:
    return {line.split(":")[0].strip() for line in lines if referral_id in line and not line.startswith("==")}


def test_an_escalation_does_not_tell_the_breaches_of_its_storm(database_url: str) -> None:
    migrate(database_url)
    with psycopg.connect(database_url) as connection:
        connection.execute(NOTICE, ["notice-1", "breach_storm", ["signal-1", "signal-2"]])
        connection.execute(NOTICE, ["notice-2", "breach", ["signal-1"]])

    told = told_signals(database_url)

    assert ("breach", "signal-1") in told
    assert ("breach", "signal-2") not in told
