from datetime import date, timedelta
from typing import Any

import pytest

from runtime.pipeline import Rejected
from schemas.vocabulary import CorrectionKind, MatchKind, MatchOutcome, MissingItem, ReviewDecision
from services.matcher.batch import AuditAction, AutomationKind
from services.matcher.rules.blocking import BLOCK_LIMIT
from services.matcher.rules.silent_link import MatchRule
from tests.support.matcher import ANNA, MONDAY, NETWORK, MatcherDesk, corrected, patient_of, received

SAME = ReviewDecision.SAME
NOT_SAME = ReviewDecision.NOT_SAME


def test_first_referral_creates_its_patient() -> None:
    desk = MatcherDesk()

    (matched,) = desk.hand(received("first", specialty="cardiology", missing_items=("reason",), **ANNA))

    assert matched.patient_id == patient_of("first")
    assert (matched.outcome, matched.rule) == (MatchOutcome.NEW_PATIENT, MatchRule.NO_CANDIDATE)
    assert (matched.specialty, matched.missing_items) == ("cardiology", (MissingItem.REASON,))
    assert desk.audit == [AuditAction.PATIENT_CREATED]


def test_two_referrals_of_one_patient_stay_two() -> None:
    desk = MatcherDesk()

    first, second = desk.hand(
        received("first", content="cardiology", **ANNA), received("second", content="neurology", **ANNA)
    )

    assert first.referral_id != second.referral_id
    assert second.patient_id == first.patient_id
    assert second.outcome is MatchOutcome.LINKED
    assert len(desk.tables.patient) == 1


@pytest.mark.parametrize("batch_size", [1, 3])
def test_same_message_again_makes_nothing(batch_size: int) -> None:
    desk = MatcherDesk()
    across_midnight = MONDAY + timedelta(hours=20)

    announced = desk.hand(
        received("first", content="cardiology", **ANNA),
        received("again", content="cardiology", at=across_midnight, **ANNA),
        received("first", content="cardiology", **ANNA).model_copy(update={"event_id": "another"}),
        batch_size=batch_size,
    )

    assert [matched.referral_id for matched in announced] == [received("first").referral_id]
    assert desk.automation == [AutomationKind.REPEATED_TRANSMISSION] * 2
    assert len(desk.tables.referral) == 1


def test_repeat_of_a_repeat_after_the_window_is_a_referral_of_its_own() -> None:
    desk = MatcherDesk()

    announced = desk.hand(
        *(
            received(name, content="cardiology", at=MONDAY + timedelta(hours=hours), **ANNA)
            for name, hours in (("first", 0), ("repeat", 20), ("late", 40))
        )
    )

    assert len(announced) == 2
    assert desk.automation == [AutomationKind.REPEATED_TRANSMISSION, AutomationKind.POSSIBLE_DUPLICATE_REFERRAL]


def test_voicemails_without_identifiers_are_never_one() -> None:
    desk = MatcherDesk()

    announced = desk.hand(received("one", content=None), received("two", content=None))

    assert len({matched.patient_id for matched in announced}) == 2
    assert {matched.outcome for matched in announced} == {MatchOutcome.UNIDENTIFIED}


def test_twins_stay_two_and_queue() -> None:
    desk = MatcherDesk()

    _, twin = desk.hand(received("one", **ANNA), received("two", **{**ANNA, "given_name": "Ewa"}))

    assert twin.outcome is MatchOutcome.POSSIBLE_DUPLICATE
    assert len(desk.tables.patient) == 2
    (pair,) = desk.tables.duplicate.values()
    assert {pair.patient_id, pair.candidate_patient_id} == {patient_of("one"), patient_of("two")}


def test_linked_referral_fills_gaps_and_is_found_by_them() -> None:
    desk = MatcherDesk()
    without_phone = {name: value for name, value in ANNA.items() if name != "phone"}
    by_phone = {name: value for name, value in ANNA.items() if name != "birth_date"}

    announced = desk.hand(
        received("one", **without_phone), received("two", **ANNA), received("three", **by_phone), batch_size=1
    )

    assert {matched.patient_id for matched in announced} == {patient_of("one")}
    (patient,) = desk.tables.patient.values()
    assert (patient.person.phone, patient.version) == (ANNA["phone"], 1)


def test_too_large_block_goes_to_review_without_an_error() -> None:
    desk = MatcherDesk()
    shared = {"given_name": "Anna", "last_name": "Kowalski", "phone": ANNA["phone"]}
    crowd = [received(f"crowd {number}", given_name="Ola", phone=ANNA["phone"]) for number in range(BLOCK_LIMIT + 1)]
    desk.hand(*crowd, batch_size=50)
    desk.automation.clear()

    (matched,) = desk.hand(received("one more", **shared))

    assert (matched.outcome, matched.rule) == (MatchOutcome.POSSIBLE_DUPLICATE, MatchRule.BLOCK_TOO_LARGE)
    assert desk.automation == [AutomationKind.BLOCK_TOO_LARGE]


def test_correction_completes_the_referral() -> None:
    desk = MatcherDesk()
    missing = ("date_of_birth", "phone", "specialty", "call_back")
    desk.hand(received("one", given_name="Anna", last_name="Kowalski", missing_items=missing))
    changes: dict[str, Any] = {"birth_date": date(1985, 3, 14), "phone": ANNA["phone"], "specialty": "cardiology"}

    (matched,) = desk.hand(
        corrected(patient_of("one"), "fix", referral_id=received("one").referral_id, expected_version=1, **changes)
    )

    assert (matched.kind, matched.missing_items) == (MatchKind.CORRECTED, ())
    assert (matched.specialty, matched.by) == ("cardiology", "ivy")
    assert matched.outcome is MatchOutcome.NEW_PATIENT
    (patient,) = desk.tables.patient.values()
    assert (patient.person.birth_date, patient.version) == (date(1985, 3, 14), 2)
    assert desk.audit[-1] == AuditAction.PATIENT_CORRECTED


def test_corrected_patient_is_found_by_the_new_values_only() -> None:
    desk = MatcherDesk()
    desk.hand(received("one", **ANNA))
    desk.hand(corrected(patient_of("one"), "fix", last_name="Nowak", phone="+16175550177"))

    by_old, by_new = desk.hand(
        received("old", **ANNA), received("new", **{**ANNA, "last_name": "Nowak", "phone": "+16175550177"})
    )

    assert by_old.outcome is not MatchOutcome.LINKED
    assert by_new.patient_id == patient_of("one")


def test_stale_correction_changes_nothing_and_is_told() -> None:
    desk = MatcherDesk()
    desk.hand(received("one", **ANNA), corrected(patient_of("one"), "first", phone="+16175550177"))

    announced = desk.hand(corrected(patient_of("one"), "second", phone="+16175550188", expected_version=1))

    assert announced == []
    assert desk.automation == [AutomationKind.STALE_CORRECTION]
    (patient,) = desk.tables.patient.values()
    assert (patient.person.phone, patient.version) == ("+16175550177", 2)
    assert [state for _, state in desk.tables.journal] == ["applied", "stale"]


def test_corrected_patient_who_resembles_another_queues_and_is_not_merged() -> None:
    desk = MatcherDesk()
    desk.hand(received("one", **ANNA), received("two", **{**ANNA, "given_name": "Piotr", "last_name": "Zielinski"}))
    referral_id = received("two").referral_id
    desk.tables.duplicate.clear()

    (matched,) = desk.hand(
        corrected(patient_of("two"), "fix", given_name="Anna", last_name="Kowalski", referral_id=referral_id)
    )

    assert (matched.patient_id, matched.outcome) == (patient_of("two"), MatchOutcome.POSSIBLE_DUPLICATE)
    assert len(desk.tables.duplicate) == 1


@pytest.mark.parametrize(
    ("decision", "outcome"), [(SAME, MatchOutcome.LINKED), (NOT_SAME, MatchOutcome.POSSIBLE_DUPLICATE)]
)
@pytest.mark.parametrize("batch_size", [1, 10])
def test_decision_of_a_person_outranks_the_rules(
    decision: ReviewDecision, outcome: MatchOutcome, batch_size: int
) -> None:
    desk = MatcherDesk()
    other_name = {**ANNA, "last_name": "Nowak"}
    review = corrected(
        patient_of("two"), "review", kind=CorrectionKind.REVIEW, other_patient_id=patient_of("one"), decision=decision
    )

    announced = desk.hand(
        received("one", **ANNA),
        received("two", **other_name),
        corrected(patient_of("two"), "rename", last_name="Kowalski"),
        review,
        received("three", **ANNA),
        batch_size=batch_size,
    )

    assert announced[-1].outcome is outcome
    assert (announced[-1].patient_id == patient_of("one")) == (decision is SAME)
    assert list(desk.tables.duplicate_state.values()) == [decision]


@pytest.mark.parametrize("kind", [CorrectionKind.MERGE, CorrectionKind.UNMERGE])
def test_merge_is_kept_for_later(kind: CorrectionKind) -> None:
    desk = MatcherDesk()
    desk.hand(received("one", **ANNA), received("two", given_name="Piotr", last_name="Zielinski"))

    announced = desk.hand(corrected(patient_of("one"), "merge", kind=kind, other_patient_id=patient_of("two")))

    assert announced == []
    assert [state for _, state in desk.tables.journal] == ["pending"]
    assert desk.automation == [AutomationKind.CORRECTION_PENDING]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"patient_id": "nobody"}, "patient_unknown"),
        ({"network_id": "elsewhere"}, "patient_unknown"),
        ({"referral_id": "0000-0000-0000"}, "referral_unknown"),
        ({"referral_id": received("two").referral_id}, "referral_of_another_patient"),
    ],
)
def test_correction_of_something_unknown_is_quarantined(changes: dict[str, str], reason: str) -> None:
    desk = MatcherDesk()
    desk.hand(received("one", **ANNA), received("two"))

    with pytest.raises(Rejected) as rejected:
        desk.hand(corrected(patient_of("one"), "fix").model_copy(update=changes))

    assert rejected.value.reason == reason


def test_networks_never_share_patients() -> None:
    desk = MatcherDesk()

    _, other = desk.hand(received("one", **ANNA), received("two", **{**ANNA, "network_id": "elsewhere"}))

    assert other.outcome is MatchOutcome.NEW_PATIENT
    assert {network for network, _ in desk.tables.patient} == {NETWORK, "elsewhere"}


def test_announcement_carries_no_identifiers() -> None:
    desk = MatcherDesk()

    (matched,) = desk.hand(received("one", mrn="A-4711", **ANNA))

    text = matched.model_dump_json()
    assert not any(word in text for word in ("Anna", "Kowalski", "1985", "6175550142", "A-4711"))
