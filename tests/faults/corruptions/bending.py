"""The tools that spoil a sound campaign, and the register of all ways to do it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from tests.faults.evidence import Invariant
from tests.faults.world import World

Row = TypeVar("Row")
CHANGED, STATE, SIGNALLED = "referral.changed.v1", "referral.state.v1", "sla.signalled.v1"
MATCHED, RECEIVED, COMMANDED = "referral.matched.v1", "referral.received.v1", "referral.commanded.v1"


@dataclass(frozen=True)
class Corruption:
    """One way to spoil a sound campaign."""

    name: str
    #: the one invariant that has to notice
    invariant: Invariant
    spoil: Callable[[World], None]


CORRUPTIONS: list[Corruption] = []


def spoils(invariant: Invariant) -> Callable[[Callable[[World], None]], Callable[[World], None]]:
    """Register a function as a way to spoil a campaign."""

    def register(spoil: Callable[[World], None]) -> Callable[[World], None]:
        CORRUPTIONS.append(Corruption(spoil.__name__, invariant, spoil))
        return spoil

    return register


def change(rows: list[Row], chosen: Callable[[Row], bool], **fields: Any) -> None:
    """Change fields of the first chosen row."""
    place = next(index for index, row in enumerate(rows) if chosen(row))
    rows[place] = replace(rows[place], **fields)  # type: ignore[type-var]  # rows are dataclasses


def drop(rows: list[Row], chosen: Callable[[Row], bool]) -> Row:
    """Take the first chosen row out and return it."""
    return rows.pop(next(index for index, row in enumerate(rows) if chosen(row)))


def forget(world: World, referral_id: str) -> None:
    """Take every trace of a referral out of the world, as if it had never been announced."""
    world.referrals[:] = [row for row in world.referrals if row.referral_id != referral_id]
    world.history[:] = [row for row in world.history if row.referral_id != referral_id]
    world.clocks[:] = [row for row in world.clocks if row.referral_id != referral_id]
    world.audit[:] = [row for row in world.audit if row.referral_id != referral_id]
    signals = {r.event_id for r in world.records if r.topic == SIGNALLED and r.key == referral_id}
    world.notices[:] = [notice for notice in world.notices if signals.isdisjoint(notice.signal_ids)]
    renumber_audit(world)
    world.records[:] = [r for r in world.records if r.topic not in (CHANGED, STATE, SIGNALLED) or r.key != referral_id]
    world.open_tasks.pop(referral_id, None)


def renumber_audit(world: World) -> None:
    """Close the gaps that removed audit rows left."""
    world.audit[:] = [replace(row, position=place) for place, row in enumerate(world.audit, start=1)]


def find_record(world: World, topic: str, **values: Any) -> int:
    """Return the place of the first record of a topic with these values."""
    return next(
        place
        for place, r in enumerate(world.records)
        if r.topic == topic and all(r.values.get(name) == value for name, value in values.items())
    )


def rewrite(world: World, topic: str, changes: dict[str, Any], **values: Any) -> None:
    """Change values of the first record of a topic with these values."""
    place = find_record(world, topic, **values)
    record = world.records[place]
    world.records[place] = replace(record, values={**record.values, **changes})
