from datetime import date

from schemas.vocabulary import MissingItem
from services.matcher.rules.corrections import (
    STAFF_ISSUER,
    ReferralFacts,
    completed_facts,
    corrected_demographics,
    filled_gaps,
    remaining_items,
)
from services.matcher.rules.identity import Demographics
from tests.support.matcher import corrected

KNOWN = Demographics("Anna", None, "Kowalski", None, None, None, "7", "epic")
NOTHING = ReferralFacts(None, None, None)


def test_correction_keeps_what_it_does_not_name() -> None:
    person = corrected_demographics(KNOWN, corrected("p", "c", birth_date=date(1985, 3, 14)))

    assert person == KNOWN._replace(birth_date=date(1985, 3, 14))


def test_record_number_entered_by_staff_is_their_own() -> None:
    person = corrected_demographics(KNOWN, corrected("p", "c", mrn="8"))

    assert (person.mrn, person.mrn_issuer) == ("8", STAFF_ISSUER)


def test_completed_items_are_no_longer_missing() -> None:
    correction = corrected("p", "c", specialty="cardiology", reason="palpitations")
    missing = (MissingItem.SPECIALTY, MissingItem.REASON, MissingItem.PHONE, MissingItem.CALL_BACK)

    left = remaining_items(missing, KNOWN, completed_facts(NOTHING, correction))

    assert left == (MissingItem.PHONE, MissingItem.CALL_BACK)


def test_call_back_is_done_when_nothing_is_left_to_ask() -> None:
    missing = (MissingItem.PHONE, MissingItem.CALL_BACK, MissingItem.READABLE_DOCUMENT)

    left = remaining_items(missing, KNOWN._replace(phone="+16175550142"), NOTHING)

    assert left == (MissingItem.READABLE_DOCUMENT,)


def test_correction_never_adds_a_missing_item() -> None:
    assert remaining_items((), Demographics(), NOTHING) == ()


def test_linked_referral_fills_gaps_and_changes_nothing_else() -> None:
    stated = Demographics("Ania", "Maria", "Kowalsky", date(1985, 3, 14), None, "+16175550142", "9", "other")

    filled = filled_gaps(KNOWN, stated)

    assert filled == KNOWN._replace(middle_name="Maria", birth_date=date(1985, 3, 14), phone="+16175550142")
