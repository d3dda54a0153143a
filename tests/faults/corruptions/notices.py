"""Signals of which nobody is told, or too often."""

from dataclasses import replace

from tests.faults.corruptions.bending import change, drop, spoils
from tests.faults.evidence import Invariant
from tests.faults.world import World


@spoils(Invariant.CLOCKS)
def nobody_was_told_of_a_breach(world: World) -> None:
    drop(world.notices, lambda notice: notice.signal_ids == ("breach-1-2",))


@spoils(Invariant.CLOCKS)
def nobody_was_told_of_the_last_signal(world: World) -> None:
    drop(world.notices, lambda notice: notice.signal_ids == ("reminder-4-1",))


@spoils(Invariant.CLOCKS)
def breaches_were_told_as_a_storm_only(world: World) -> None:
    change(world.notices, lambda notice: notice.signal_ids == ("breach-1-2",), kind="breach_storm")


@spoils(Invariant.CLOCKS)
def a_signal_was_told_by_two_notices(world: World) -> None:
    told = next(notice for notice in world.notices if notice.signal_ids == ("reminder-1-2",))
    world.notices.append(replace(told, notice_id="notice-again"))


@spoils(Invariant.CLOCKS)
def a_breach_was_told_as_a_reminder(world: World) -> None:
    change(world.notices, lambda notice: notice.signal_ids == ("breach-1-2",), kind="reminder")


@spoils(Invariant.CLOCKS)
def a_notice_tells_what_never_fired(world: World) -> None:
    change(world.notices, lambda notice: notice.signal_ids == ("reminder-3-1",), signal_ids=("reminder-3-1", "made-up"))
