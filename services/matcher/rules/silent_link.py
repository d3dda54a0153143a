"""The deterministic tier: when a referral surely belongs to a known patient (R16)."""

from enum import StrEnum

from services.matcher.rules.agreement import Agreement
from services.matcher.rules.comparison import Comparison

_ALIKE = (Agreement.SAME, Agreement.ALIKE)


class MatchRule(StrEnum):
    """The rule that decided about a patient."""

    NAME_AND_BIRTH_DATE = "name_and_birth_date"
    NAME_AND_PHONE = "name_and_phone"
    FIRST_NAME_BIRTH_DATE_AND_PHONE = "first_name_birth_date_and_phone"
    RECORD_NUMBER = "record_number"
    PERSON_DECIDED_SAME = "person_decided_same"
    NO_CANDIDATE = "no_candidate"
    NO_CANDIDATE_RESEMBLES = "no_candidate_resembles"
    NO_USABLE_IDENTITY = "no_usable_identity"
    SEVERAL_FIT = "several_fit"
    FITS_UNDER_ANOTHER_NAME = "fits_under_another_name"  #: as after a marriage: another partition, so never silent
    RECORD_NUMBER_CONTRADICTED = "record_number_contradicted"
    TWIN_SUSPECTED = "twin_suspected"
    RESEMBLES = "resembles"
    BLOCK_TOO_LARGE = "block_too_large"
    CORRECTED = "corrected"


def contradicts(comparison: Comparison) -> bool:
    """Tell whether a field says that these are two people, as with twins, relatives or another person's number."""
    return Agreement.DIFFERENT in (
        comparison.given_name.agreement,
        comparison.middle_name.agreement,
        comparison.birth_date.agreement,
        comparison.record_number.agreement,
        comparison.sex.agreement,
    )


def fitting_rule(comparison: Comparison) -> MatchRule | None:
    """Return the rule by which two people are surely one: the first name alike and two more, nothing against it."""
    if comparison.given_name.agreement not in _ALIKE or contradicts(comparison):
        return None
    is_last_alike = comparison.last_name.agreement in _ALIKE
    is_born_same = comparison.birth_date.agreement is Agreement.SAME
    is_phone_same = comparison.phone.agreement is Agreement.SAME
    if is_last_alike and is_born_same:
        return MatchRule.NAME_AND_BIRTH_DATE
    if is_last_alike and is_phone_same:
        return MatchRule.NAME_AND_PHONE
    if is_born_same and is_phone_same:
        return MatchRule.FIRST_NAME_BIRTH_DATE_AND_PHONE
    if comparison.record_number.agreement is Agreement.SAME and (is_last_alike or is_born_same):
        return MatchRule.RECORD_NUMBER
    return None


def agrees_by_exact_rule(comparison: Comparison) -> bool:
    """Tell whether the last name and the birth date or phone are the same, and nothing else differs."""
    if comparison.last_name.agreement is not Agreement.SAME or contradicts(comparison):
        return False
    return Agreement.SAME in (comparison.birth_date.agreement, comparison.phone.agreement)


def is_twin_like(comparison: Comparison) -> bool:
    """Tell whether two people share last name and birth date under different first names."""
    return (
        comparison.last_name.agreement in _ALIKE
        and comparison.birth_date.agreement is Agreement.SAME
        and comparison.given_name.agreement is Agreement.DIFFERENT
    )
