"""Audit chains that do not hold, leaks, and work that stands still."""

from dataclasses import replace

from tests.faults.corruptions.bending import change, renumber_audit, spoils
from tests.faults.evidence import Invariant, Recovery
from tests.faults.world import World, at, chained


@spoils(Invariant.AUDIT)
def an_audit_row_was_changed(world: World) -> None:
    world.audit[:] = chained(world.audit)
    world.audit[3] = replace(world.audit[3], actor="somebody else")


@spoils(Invariant.AUDIT)
def an_audit_row_was_removed(world: World) -> None:
    world.audit[:] = chained(world.audit)
    world.audit.pop(3)


@spoils(Invariant.AUDIT)
def the_end_of_the_audit_chain_was_cut(world: World) -> None:
    world.chain_length_told = len(world.audit) + 1


@spoils(Invariant.AUDIT)
def a_change_has_no_audit_row(world: World) -> None:
    gone = next(place for place, row in enumerate(world.audit) if row.action == "breached")
    world.audit.pop(gone)
    renumber_audit(world)


@spoils(Invariant.AUDIT)
def a_change_has_two_audit_rows(world: World) -> None:
    world.audit.append(replace(world.audit[-1], position=len(world.audit) + 1))


@spoils(Invariant.AUDIT)
def a_match_has_no_audit_row(world: World) -> None:
    gone = next(place for place, row in enumerate(world.audit) if row.action == "patient.created")
    world.audit.pop(gone)
    renumber_audit(world)


@spoils(Invariant.NO_PHI)
def a_patient_is_named_in_a_log(world: World) -> None:
    world.sightings.append("matcher.0.log")


@spoils(Invariant.PROGRESS)
def work_went_on_too_late(world: World) -> None:
    world.recoveries.append(Recovery("broker", at(200), 31.0))


@spoils(Invariant.PROGRESS)
def work_never_went_on(world: World) -> None:
    world.recoveries.append(Recovery("broker", at(200), None))


@spoils(Invariant.PROGRESS)
def records_wait_at_the_end(world: World) -> None:
    change(world.standings, lambda s: s.end > 0, committed=0)


@spoils(Invariant.PROGRESS)
def a_transaction_hangs(world: World) -> None:
    world.hanging.append("referral.changed.v1/0")


@spoils(Invariant.PROGRESS)
def something_was_waited_for_in_vain(world: World) -> None:
    world.missed.append("every signal told")
