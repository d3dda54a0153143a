from collections.abc import Mapping
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.vocabulary import MatchOutcome, ReviewDecision, Sex
from services.matcher.rules.decision import Block, Candidate, Decision, decide, resemblances_of
from services.matcher.rules.identity import Demographics, identity_of
from services.matcher.rules.silent_link import MatchRule

ANNA = Demographics("Anna", None, "Kowalski", date(1985, 3, 14), Sex.FEMALE, "+16175550142")
KEY = "kowalski"
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def candidate(person: Demographics, patient_id: str = "known", *, key: str = KEY) -> Candidate:
    return Candidate(patient_id, key, NOW, identity_of(person))


def decided_about(
    person: Demographics,
    *candidates: Candidate,
    people: Mapping[str, Mapping[str, ReviewDecision]] | None = None,
    is_too_large: bool = False,
) -> Decision:
    block = Block(candidates, is_too_large)
    return decide(identity_of(person), KEY, block, decided=people or {})


@pytest.mark.parametrize(
    ("person", "rule"),
    [
        (ANNA, MatchRule.NAME_AND_BIRTH_DATE),
        (ANNA._replace(phone=None), MatchRule.NAME_AND_BIRTH_DATE),
        (ANNA._replace(birth_date=None), MatchRule.NAME_AND_PHONE),
        (ANNA._replace(last_name="Kowalsky"), MatchRule.NAME_AND_BIRTH_DATE),
        (ANNA._replace(given_name="Anne"), MatchRule.NAME_AND_BIRTH_DATE),
        (ANNA._replace(birth_date=date(1985, 3, 15)), MatchRule.NAME_AND_PHONE),
    ],
)
def test_first_name_and_two_more_link_silently(person: Demographics, rule: MatchRule) -> None:
    decision = decided_about(person, candidate(ANNA))

    assert (decision.outcome, decision.rule, decision.patient_id) == (MatchOutcome.LINKED, rule, "known")


@pytest.mark.parametrize(
    "person",
    [
        ANNA._replace(given_name="Ewa"),
        ANNA._replace(given_name="A"),
        ANNA._replace(given_name=None),
        ANNA._replace(sex=Sex.MALE),
        ANNA._replace(birth_date=date(1955, 3, 14)),
        ANNA._replace(birth_date=date(2008, 7, 1)),
        ANNA._replace(birth_date=None, phone="+16175550199"),
    ],
)
def test_contradictions_never_link(person: Demographics) -> None:
    assert decided_about(person, candidate(ANNA)).patient_id is None


def test_twins_queue() -> None:
    decision = decided_about(ANNA._replace(given_name="Ewa"), candidate(ANNA))

    assert (decision.outcome, decision.rule) == (MatchOutcome.POSSIBLE_DUPLICATE, MatchRule.TWIN_SUSPECTED)
    assert decision.resemblances[0].field_scores["birth_date"] == 1
    assert decision.resemblances[0].field_scores["given_name"] == 0


def test_relatives_on_one_phone_stay_apart() -> None:
    child = ANNA._replace(given_name="Ola", birth_date=date(2012, 5, 6))

    assert decided_about(child, candidate(ANNA)).outcome is MatchOutcome.NEW_PATIENT


def test_two_fitting_candidates_queue() -> None:
    decision = decided_about(ANNA, candidate(ANNA, "one"), candidate(ANNA, "two"))

    assert (decision.outcome, decision.rule) == (MatchOutcome.POSSIBLE_DUPLICATE, MatchRule.SEVERAL_FIT)
    assert {found.patient_id for found in decision.resemblances} == {"one", "two"}


def test_a_person_saying_same_makes_two_candidates_one() -> None:
    people = {"one": {"two": ReviewDecision.SAME}, "two": {"one": ReviewDecision.SAME}}

    decision = decided_about(ANNA, candidate(ANNA, "two"), candidate(ANNA, "one"), people=people)

    assert (decision.rule, decision.patient_id) == (MatchRule.PERSON_DECIDED_SAME, "one")


def test_a_person_saying_not_the_same_leaves_two_candidates_two() -> None:
    people = {"one": {"two": ReviewDecision.NOT_SAME}, "two": {"one": ReviewDecision.NOT_SAME}}

    decision = decided_about(ANNA, candidate(ANNA, "two"), candidate(ANNA, "one"), people=people)

    assert decision.rule is MatchRule.SEVERAL_FIT


def test_who_fits_under_another_name_queues() -> None:
    married = candidate(ANNA._replace(last_name="Nowak"), key="nowak")

    decision = decided_about(ANNA, married)

    assert decision.outcome is MatchOutcome.POSSIBLE_DUPLICATE
    assert decision.rule is MatchRule.FITS_UNDER_ANOTHER_NAME


def test_record_number_of_the_same_system_links() -> None:
    known = ANNA._replace(mrn="A-4711", mrn_issuer="epic", birth_date=None, phone="+16175550177")
    person = ANNA._replace(mrn="a-4711", mrn_issuer="EPIC")

    decision = decided_about(person, candidate(known))

    assert (decision.rule, decision.patient_id) == (MatchRule.RECORD_NUMBER, "known")


def test_record_number_of_somebody_else_queues() -> None:
    known = Demographics("Piotr", None, "Zielinski", date(1971, 1, 9), Sex.MALE, None, "A-4711", "epic")
    person = ANNA._replace(mrn="A-4711", mrn_issuer="epic")

    decision = decided_about(person, candidate(known))

    assert decision.rule is MatchRule.RECORD_NUMBER_CONTRADICTED


def test_two_numbers_of_one_system_are_two_people() -> None:
    known = ANNA._replace(mrn="A-4711", mrn_issuer="epic")
    person = ANNA._replace(mrn="A-4712", mrn_issuer="epic")

    assert decided_about(person, candidate(known)).outcome is MatchOutcome.POSSIBLE_DUPLICATE


@pytest.mark.parametrize(
    "person",
    [
        ANNA._replace(last_name=None),
        ANNA._replace(birth_date=None, phone=None),
        ANNA._replace(given_name="John", last_name="Doe"),
    ],
)
def test_no_usable_identity_is_never_linked(person: Demographics) -> None:
    decision = decided_about(person, candidate(person), candidate(ANNA, "other"))

    assert (decision.outcome, decision.patient_id) == (MatchOutcome.UNIDENTIFIED, None)


def test_too_large_block_goes_to_review() -> None:
    decision = decided_about(ANNA, candidate(ANNA), is_too_large=True)

    assert (decision.outcome, decision.rule) == (MatchOutcome.POSSIBLE_DUPLICATE, MatchRule.BLOCK_TOO_LARGE)
    assert decision.patient_id is None
    assert decision.is_block_too_large


def test_correction_does_not_raise_what_a_person_decided() -> None:
    block = Block([candidate(ANNA, "one"), candidate(ANNA, "two")])

    found = resemblances_of(identity_of(ANNA), block, decided={"one": ReviewDecision.NOT_SAME})

    assert [resemblance.patient_id for resemblance in found] == ["two"]


@given(
    st.sampled_from(["Anna", "Ewa", "Ania", None]),
    st.sampled_from(["Kowalski", "Kowalsky", "Nowak", None]),
    st.sampled_from([None, Sex.FEMALE, Sex.MALE]),
)
def test_never_on_name_alone(given_name: str | None, last_name: str | None, sex: Sex | None) -> None:
    person = Demographics(given_name, None, last_name, None, sex)

    decision = decided_about(person, candidate(ANNA), candidate(person, "same words"))

    assert decision.patient_id is None
    assert decision.resemblances == ()
