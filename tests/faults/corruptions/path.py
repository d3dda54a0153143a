"""Lives that the stage table does not allow."""

from dataclasses import replace

from tests.faults.corruptions.bending import CHANGED, change, find_record, rewrite, spoils
from tests.faults.evidence import Invariant
from tests.faults.world import World


@spoils(Invariant.LEGAL_PATH)
def a_move_the_table_does_not_know(world: World) -> None:
    change(world.history, lambda row: (row.referral_id, row.sequence) == ("ref-1", 2), to_stage="completed")
    change(world.history, lambda row: (row.referral_id, row.sequence) == ("ref-1", 3), to_stage="completed")
    change(world.history, lambda row: (row.referral_id, row.sequence) == ("ref-1", 4), to_stage="completed")
    change(world.history, lambda row: (row.referral_id, row.sequence) == ("ref-1", 5), from_stage="completed")
    for sequence in (2, 3, 4):
        rewrite(world, CHANGED, {"stage": "completed"}, referral_id="ref-1", sequence=sequence)


@spoils(Invariant.LEGAL_PATH)
def the_referral_is_behind_its_history(world: World) -> None:
    change(world.referrals, lambda row: row.referral_id == "ref-1", stage_entry=3)


@spoils(Invariant.LEGAL_PATH)
def a_stay_was_counted_twice(world: World) -> None:
    change(world.history, lambda row: (row.referral_id, row.sequence) == ("ref-3", 3), stage_entry=3)
    change(world.history, lambda row: (row.referral_id, row.sequence) == ("ref-3", 4), stage_entry=4)
    change(world.referrals, lambda row: row.referral_id == "ref-3", stage_entry=4)


@spoils(Invariant.LEGAL_PATH)
def the_stage_changed_without_a_move(world: World) -> None:
    change(world.history, lambda row: (row.referral_id, row.sequence) == ("ref-1", 3), to_stage="documentation")
    rewrite(world, CHANGED, {"stage": "documentation"}, referral_id="ref-1", sequence=3)


@spoils(Invariant.LEGAL_PATH)
def a_move_starts_somewhere_else(world: World) -> None:
    change(world.history, lambda row: (row.referral_id, row.sequence) == ("ref-1", 5), from_stage="clinical_review")


@spoils(Invariant.LEGAL_PATH)
def an_open_referral_has_no_task(world: World) -> None:
    world.open_tasks["ref-4"] = 0


@spoils(Invariant.LEGAL_PATH)
def an_open_referral_has_no_owner(world: World) -> None:
    change(world.referrals, lambda row: row.referral_id == "ref-4", owner_queue="")


@spoils(Invariant.LEGAL_PATH)
def a_running_clock_has_no_due_time(world: World) -> None:
    change(world.referrals, lambda row: row.referral_id == "ref-4", due_at=None)


@spoils(Invariant.LEGAL_PATH)
def a_clock_is_paused_for_no_reason(world: World) -> None:
    change(world.referrals, lambda row: row.clock == "paused", reason_code=None)


@spoils(Invariant.LEGAL_PATH)
def a_closed_referral_has_tasks(world: World) -> None:
    world.open_tasks["ref-2"] = 1


@spoils(Invariant.LEGAL_PATH)
def history_belongs_to_no_referral(world: World) -> None:
    world.history.append(replace(world.history[0], referral_id="ref-ghost", cause_id="matched-1"))
    record = world.records[find_record(world, CHANGED, referral_id="ref-1", sequence=1)]
    values = {**record.values, "referral_id": "ref-ghost"}
    ghost = replace(record, event_id="ghost", key="ref-ghost", offset=2000, partition=1, values=values)
    world.records.append(replace(ghost, values={**values, "clock": "stopped"}))
    opened = next(row for row in world.audit if row.action == "opened")
    world.audit.append(replace(opened, position=len(world.audit) + 1, referral_id="ref-ghost"))
