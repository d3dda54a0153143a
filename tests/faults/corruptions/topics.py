"""Topics that tell something else than happened, and records without a fate."""

from dataclasses import replace

from tests.faults.corruptions.bending import (
    CHANGED,
    COMMANDED,
    MATCHED,
    RECEIVED,
    STATE,
    find_record,
    rewrite,
    spoils,
)
from tests.faults.evidence import Invariant, QuarantineRow, Record
from tests.faults.world import World, at


@spoils(Invariant.ONCE_ON_TOPIC)
def a_change_is_on_the_topic_twice(world: World) -> None:
    record = world.records[find_record(world, CHANGED, referral_id="ref-4", sequence=2)]
    world.records.append(replace(record, offset=1000))


@spoils(Invariant.ONCE_ON_TOPIC)
def a_state_is_on_the_topic_twice(world: World) -> None:
    record = world.records[find_record(world, STATE, referral_id="ref-4", sequence=2)]
    world.records.append(replace(record, offset=1000))


@spoils(Invariant.ONCE_ON_TOPIC)
def a_change_is_on_the_topic_under_two_ids(world: World) -> None:
    place = find_record(world, CHANGED, referral_id="ref-2", sequence=2)
    world.records.append(replace(world.records[place], event_id="another id", offset=1000))


@spoils(Invariant.ONCE_ON_TOPIC)
def a_state_is_on_the_topic_under_two_ids(world: World) -> None:
    place = find_record(world, STATE, referral_id="ref-4", sequence=2)
    world.records.append(replace(world.records[place], event_id="another id", offset=1000))


@spoils(Invariant.ONCE_ON_TOPIC)
def a_match_is_on_the_topic_twice(world: World) -> None:
    record = next(r for r in world.records if r.topic == MATCHED and r.event_id == "matched-4")
    world.records.append(replace(record, offset=1000))


@spoils(Invariant.ONCE_ON_TOPIC)
def a_change_was_never_announced(world: World) -> None:
    # a refused command's change: its clock tells nothing, so that only the topic is wrong
    world.records.pop(find_record(world, CHANGED, referral_id="ref-1", kind="reminded"))


@spoils(Invariant.ONCE_ON_TOPIC)
def an_announced_change_is_not_in_the_tables(world: World) -> None:
    record = world.records[find_record(world, CHANGED, referral_id="ref-2", sequence=2)]
    values = {**record.values, "sequence": 3, "kind": "note_added"}
    world.records.append(replace(record, event_id="extra", offset=1000, values=values))


@spoils(Invariant.ONCE_ON_TOPIC)
def changes_are_out_of_order(world: World) -> None:
    first = find_record(world, CHANGED, referral_id="ref-1", sequence=1)
    second = find_record(world, CHANGED, referral_id="ref-1", sequence=2)
    one, two = world.records[first], world.records[second]
    world.records[first], world.records[second] = replace(one, offset=two.offset), replace(two, offset=one.offset)


@spoils(Invariant.ONCE_ON_TOPIC)
def changes_of_one_referral_are_in_two_partitions(world: World) -> None:
    place = find_record(world, CHANGED, referral_id="ref-1", sequence=3)
    world.records[place] = replace(world.records[place], partition=1)


@spoils(Invariant.ONCE_ON_TOPIC)
def the_topic_tells_another_stage(world: World) -> None:
    rewrite(world, CHANGED, {"stage": "clinical_review"}, referral_id="ref-1", sequence=5)


@spoils(Invariant.ONCE_ON_TOPIC)
def the_last_state_is_missing(world: World) -> None:
    world.records.pop(find_record(world, STATE, referral_id="ref-1", sequence=6))


@spoils(Invariant.ONCE_ON_TOPIC)
def the_state_goes_backwards(world: World) -> None:
    place = find_record(world, STATE, referral_id="ref-1", sequence=5)
    world.records[place] = replace(world.records[place], offset=1000)


@spoils(Invariant.ONCE_ON_TOPIC)
def a_subscriber_can_not_read_a_record(world: World) -> None:
    world.records.append(Record(CHANGED, 0, 1000, "ref-1", at(100), None))


@spoils(Invariant.ONE_DISPOSITION)
def a_consumed_record_left_no_trace(world: World) -> None:
    world.put(COMMANDED, "ref-1", "command-nowhere", 200)


@spoils(Invariant.ONE_DISPOSITION)
def a_record_is_applied_and_quarantined(world: World) -> None:
    record = next(r for r in world.records if r.topic == COMMANDED)
    world.quarantine.append(
        QuarantineRow("stager", COMMANDED, 0, record.offset, "quarantined", "failed_in_service", record.event_id)
    )


@spoils(Invariant.ONE_DISPOSITION)
def poison_was_swallowed(world: World) -> None:
    world.quarantine.clear()


@spoils(Invariant.ONE_DISPOSITION)
def a_quarantined_record_never_was_on_the_topic(world: World) -> None:
    world.quarantine.append(QuarantineRow("stager", MATCHED, 0, 5000, "quarantined", "corrupt_record", None))


@spoils(Invariant.ONE_DISPOSITION)
def a_record_is_quarantined_twice(world: World) -> None:
    world.quarantine.append(world.quarantine[0])


@spoils(Invariant.ONE_DISPOSITION)
def a_resolved_record_was_never_applied(world: World) -> None:
    record = world.put(RECEIVED, "name-9", "received-9", 200)
    world.quarantine.append(
        QuarantineRow("matcher", RECEIVED, 0, record.offset, "resolved", "failed_in_service", "received-9")
    )


@spoils(Invariant.ONE_DISPOSITION)
def a_record_overtook_a_quarantined_one_of_its_key(world: World) -> None:
    record = world.put(MATCHED, "ref-junk", "overtaker", 6)
    world.inbox["stager"].add(str(record.event_id))
