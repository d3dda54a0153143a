"""Referrals that are lost or doubled, and things that nobody sent."""

from dataclasses import replace

from tests.faults.corruptions.bending import CHANGED, change, drop, find_record, forget, rewrite, spoils
from tests.faults.evidence import Asked, Invariant, Sent
from tests.faults.world import World


@spoils(Invariant.EXISTS_ONCE)
def an_acknowledged_message_reached_nobody(world: World) -> None:
    world.sent.append(Sent("digest-lost", "clinic-1", acknowledged=("ref-lost",)))


@spoils(Invariant.EXISTS_ONCE)
def an_acknowledgement_without_an_id_was_for_nothing(world: World) -> None:
    world.sent.append(Sent("digest-lost", "clinic-1", acknowledged=("",)))


@spoils(Invariant.EXISTS_ONCE)
def a_referral_was_matched_but_never_opened(world: World) -> None:
    forget(world, "ref-4")
    matched_row = drop(world.matched, lambda row: row.referral_id == "ref-4")
    world.patients.discard(matched_row.patient_id)


@spoils(Invariant.EXISTS_ONCE)
def a_resend_became_a_second_referral(world: World) -> None:
    first = world.matched[3]
    world.matched.append(replace(first, referral_id="ref-twin", submission_id="submission-twin"))
    world.audit.append(replace(world.audit[0], position=len(world.audit) + 1, referral_id="ref-twin"))


@spoils(Invariant.EXISTS_ONCE)
def two_acknowledgements_of_one_message_differ(world: World) -> None:
    change(world.sent, lambda sent: sent.digest == "digest-1", acknowledged=("ref-1", "ref-other"))


@spoils(Invariant.EXISTS_ONCE)
def the_acknowledgement_names_another_referral(world: World) -> None:
    change(world.sent, lambda sent: sent.digest == "digest-1", acknowledged=("ref-9",))


@spoils(Invariant.EXISTS_ONCE)
def a_referral_was_opened_twice_under_two_ids(world: World) -> None:
    place = find_record(world, CHANGED, referral_id="ref-4", kind="opened")
    world.records.insert(place + 1, replace(world.records[place], event_id="opened-again"))


@spoils(Invariant.EXISTS_ONCE)
def an_acknowledged_command_was_lost(world: World) -> None:
    world.asked.append(Asked("command-lost", "ref-1", is_acknowledged=True))


@spoils(Invariant.EXISTS_ONCE)
def a_referral_has_two_rows(world: World) -> None:
    world.referrals.append(next(row for row in world.referrals if row.referral_id == "ref-4"))


@spoils(Invariant.NOTHING_UNSENT)
def a_referral_of_a_message_nobody_sent(world: World) -> None:
    drop(world.sent, lambda sent: sent.digest == "digest-4")


@spoils(Invariant.NOTHING_UNSENT)
def a_patient_without_a_referral(world: World) -> None:
    world.patients.add("patient-nobody")


@spoils(Invariant.NOTHING_UNSENT)
def an_answer_to_a_command_nobody_gave(world: World) -> None:
    world.commands["command-nobody"] = "refused"


@spoils(Invariant.NOTHING_UNSENT)
def a_change_without_a_cause(world: World) -> None:
    change(world.history, lambda row: row.kind == "stage_changed", cause_id="nothing")
    change(world.audit, lambda row: row.action == "stage_changed", cause_id="nothing")


@spoils(Invariant.NOTHING_UNSENT)
def an_announced_change_without_a_cause(world: World) -> None:
    rewrite(world, CHANGED, {"cause_id": "nothing"}, referral_id="ref-1", kind="stage_changed")
