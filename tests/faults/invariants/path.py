"""Invariant C: the history of a referral is a dense, legal path to its one current stage, and R4 holds."""

import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

from tests.faults.evidence import Evidence, HistoryRow, Invariant, ReferralRow, Violation

STAGE_TABLE = Path(__file__).parents[3] / "services/stager/rules/stage_table.v1.toml"
ENDS = frozenset({"completed", "closed_unable_to_schedule"})
STAGE_KINDS = frozenset({"opened", "stage_changed"})


@cache
def legal_moves() -> frozenset[tuple[str, str]]:
    """Read from the written stage table which stage may follow which, without the product's reader."""
    written = tomllib.loads(STAGE_TABLE.read_text())
    moves = {(source, entry["to"]) for entry in written["transitions"] for source in entry["from"]}
    appointments = written["appointments"]
    moves |= {(source, to) for source in appointments["moves_from"] for to in appointments["leads_to"].values()}
    # news of an appointment also reaches a referral whose exception interrupts one of these stages
    exceptions = [name for name, stage in written["stages"].items() if stage.get("suspends")]
    return frozenset(moves | {(name, to) for name in exceptions for to in appointments["leads_to"].values()})


@cache
def first_stages() -> frozenset[str]:
    """Read from the written stage table where a referral may begin."""
    written = tomllib.loads(STAGE_TABLE.read_text())
    return frozenset({written["arrives_complete"], written["arrives_incomplete"]})


def illegal_paths(evidence: Evidence) -> Iterator[Violation]:
    """Yield referrals whose history has gaps or illegal moves, or that are open and nobody's."""
    history: defaultdict[str, list[HistoryRow]] = defaultdict(list)
    for row in evidence.tables.history:
        history[row.referral_id].append(row)
    # two rows of one referral are the affair of invariant A
    current = {referral.referral_id: referral for referral in evidence.tables.referrals}
    for referral in current.values():
        rows = sorted(history.pop(referral.referral_id, ()), key=lambda row: row.sequence)
        for what in (*_path_problems(referral, rows), *_lacks(referral, evidence.tables.open_tasks)):
            yield Violation(Invariant.LEGAL_PATH, what, referral.referral_id)
    for referral_id in history:
        yield Violation(Invariant.LEGAL_PATH, "history without a referral", referral_id)


def _path_problems(referral: ReferralRow, rows: Sequence[HistoryRow]) -> Iterator[str]:
    if [row.sequence for row in rows] != list(range(1, referral.sequence + 1)):
        yield "sequence is not dense or does not end at the referral's version"
        return
    if rows[0].kind != "opened" or rows[0].to_stage not in first_stages() or rows[0].stage_entry != 1:
        yield "history does not begin with the opening"
    if any(row.kind == "opened" for row in rows[1:]):
        yield "opened again"
    for before, after in pairwise(rows):
        yield from _step_problems(before, after)
    if (rows[-1].to_stage, rows[-1].stage_entry) != (referral.stage, referral.stage_entry):
        yield "the current stage is not the last of the history"


def _step_problems(before: HistoryRow, after: HistoryRow) -> Iterator[str]:
    moved = after.kind in STAGE_KINDS
    if after.stage_entry != before.stage_entry + moved:
        yield "stays are not counted one by one"
    if not moved and after.to_stage != before.to_stage:
        yield "the stage changed without a move"
    if moved and after.from_stage != before.to_stage:
        yield "a move does not start where the last one ended"
    elif moved and (before.to_stage, after.to_stage) not in legal_moves():
        yield "illegal move"


def _lacks(referral: ReferralRow, open_tasks: Mapping[str, int]) -> Iterator[str]:
    tasks = open_tasks.get(referral.referral_id, 0)
    if referral.stage in ENDS:
        if referral.clock != "stopped":
            yield "ended, but its clock is not stopped"
        if tasks:
            yield "ended, but has open tasks"
        return
    if not referral.owner_queue:
        yield "open without an owner queue"
    if not tasks:
        yield "open without a task"
    if referral.clock == "stopped" or (referral.clock == "running" and referral.due_at is None):
        yield "open without a due time"
    if referral.clock == "paused" and referral.reason_code is None:
        yield "paused without a reason"
