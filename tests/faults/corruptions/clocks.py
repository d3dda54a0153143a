"""Clocks that fire wrongly."""

from dataclasses import replace
from datetime import timedelta

from tests.faults.corruptions.bending import CHANGED, SIGNALLED, STATE, change, find_record, rewrite, spoils
from tests.faults.evidence import Invariant, NoticeRow
from tests.faults.world import World, at


@spoils(Invariant.CLOCKS)
def a_clock_fired_early(world: World) -> None:
    rewrite(world, SIGNALLED, {"fired_at": at(69)}, referral_id="ref-1", kind="breach")


@spoils(Invariant.CLOCKS)
def a_clock_fired_late(world: World) -> None:
    rewrite(world, SIGNALLED, {"fired_at": at(76)}, referral_id="ref-1", kind="breach")


@spoils(Invariant.CLOCKS)
def a_clock_fired_twice_under_two_ids(world: World) -> None:
    record = world.records[find_record(world, SIGNALLED, referral_id="ref-1", kind="breach")]
    world.records.append(replace(record, event_id="breach-again", offset=1000))
    world.notices.append(NoticeRow("notice-again", "breach", ("breach-again",)))
    world.inbox["stager"].add("breach-again")


@spoils(Invariant.CLOCKS)
def a_clock_never_fired(world: World) -> None:
    # the stay of ref-4 goes on to the end, 95 s longer than its clock
    for topic, kind in ((CHANGED, "opened"), (STATE, None)):
        if kind is not None:
            due = {"due_at": at(505), "remind_at": at(580)}
            rewrite(world, topic, due, referral_id="ref-4", kind=kind)
    rewrite(world, CHANGED, {"due_at": at(505), "remind_at": at(580)}, referral_id="ref-4", kind="reminded")
    change(world.clocks, lambda c: (c.referral_id, c.kind) == ("ref-4", "breach"), state="cancelled")


@spoils(Invariant.CLOCKS)
def a_breach_was_applied_twice(world: World) -> None:
    place = find_record(world, CHANGED, referral_id="ref-1", kind="reminded")
    record = world.records[place]
    world.records[place] = replace(record, values={**record.values, "kind": "breached"})
    change(world.history, lambda row: (row.referral_id, row.kind) == ("ref-1", "reminded"), kind="breached")
    change(world.audit, lambda row: (row.referral_id, row.action) == ("ref-1", "reminded"), action="breached")


@spoils(Invariant.CLOCKS)
def a_clock_is_due_and_still_armed(world: World) -> None:
    change(world.clocks, lambda c: (c.referral_id, c.kind) == ("ref-4", "breach"), fires_at=at(590))


@spoils(Invariant.CLOCKS)
def a_clock_is_marked_as_fired_and_nobody_was_told(world: World) -> None:
    change(world.clocks, lambda c: (c.referral_id, c.kind) == ("ref-4", "breach"), state="fired")


@spoils(Invariant.CLOCKS)
def a_clock_of_a_stage_that_was_left_is_armed(world: World) -> None:
    cancelled = next(c for c in world.clocks if c.state == "cancelled")
    world.clocks.remove(cancelled)
    world.clocks.append(replace(cancelled, state="armed", fires_at=at(9000)))


@spoils(Invariant.CLOCKS)
def a_clock_fired_for_a_time_nobody_announced(world: World) -> None:
    shifted = {"fires_at": at(70) + timedelta(seconds=1), "fired_at": at(71.2)}
    rewrite(world, SIGNALLED, shifted, referral_id="ref-1", kind="breach")


@spoils(Invariant.CLOCKS)
def a_clock_fired_for_a_stage_that_was_left(world: World) -> None:
    record = world.records[find_record(world, SIGNALLED, referral_id="ref-1", kind="breach")]
    # the first stay of ref-3 is left at 50 s, its breach was due at 62 s
    values = {**record.values, "referral_id": "ref-3", "stage_entry": 1, "fires_at": at(62), "fired_at": at(62.1)}
    late = replace(record, event_id="breach-3-1", key="ref-3", offset=1000, at=at(62.1), values=values)
    world.records.append(late)
    world.notices.append(NoticeRow("notice-late", "breach", ("breach-3-1",)))
    world.inbox["stager"].add("breach-3-1")
    change(world.clocks, lambda c: (c.referral_id, c.stage_entry, c.kind) == ("ref-3", 1, "breach"), state="fired")
