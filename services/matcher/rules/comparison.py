"""The comparison of two people, field by field."""

from typing import NamedTuple

from rapidfuzz.distance import OSA

from schemas.vocabulary import Sex
from services.matcher.rules.agreement import DIFFERENT, SAME, UNKNOWN, Agreement, FieldResult
from services.matcher.rules.birth_dates import compare_birth_dates
from services.matcher.rules.identity import ISSUER_MARK, Identity
from services.matcher.rules.names import compare_given_names, compare_last_names, compare_middle_names

MISDIALLED = FieldResult(Agreement.WEAK, 0.7)
SAME_NUMBER_OTHER_ISSUER = FieldResult(Agreement.WEAK, 0.5)
_BINARY = (Sex.FEMALE, Sex.MALE)


class Comparison(NamedTuple):
    """How each field of two people compares."""

    given_name: FieldResult
    middle_name: FieldResult
    last_name: FieldResult
    birth_date: FieldResult
    phone: FieldResult
    record_number: FieldResult
    sex: FieldResult


def compare(one: Identity, other: Identity) -> Comparison:
    """Compare two people; the order does not matter."""
    return Comparison(
        given_name=compare_given_names(one.given, other.given),
        middle_name=compare_middle_names(one.middle, other.middle),
        last_name=compare_last_names(one.last, other.last),
        birth_date=compare_birth_dates(one.birth_date, other.birth_date),
        phone=_compare_phones(one.phone, other.phone),
        record_number=_compare_record_numbers(one.record_numbers, other.record_numbers),
        sex=_compare_sexes(one.sex, other.sex),
    )


def have_nothing_in_common(one: Identity, other: Identity) -> bool:
    """Tell whether both names differ and no record number could say otherwise; most candidates end here."""
    return (
        compare_given_names(one.given, other.given).agreement is Agreement.DIFFERENT
        and compare_last_names(one.last, other.last).agreement is Agreement.DIFFERENT
        and not (one.record_numbers and other.record_numbers)
    )


def _compare_phones(one: str | None, other: str | None) -> FieldResult:
    if one is None or other is None:
        return UNKNOWN
    if one == other:
        return SAME
    return MISDIALLED if OSA.distance(one, other, score_cutoff=1) <= 1 else DIFFERENT


def _compare_record_numbers(one: tuple[str, ...], other: tuple[str, ...]) -> FieldResult:
    if not one or not other:
        return UNKNOWN
    if not set(one).isdisjoint(other):
        return SAME
    by_issuer, by_issuer_other = (dict(number.rsplit(ISSUER_MARK, 1) for number in numbers) for numbers in (one, other))
    if not by_issuer.keys().isdisjoint(by_issuer_other):
        return DIFFERENT
    is_shared = not set(by_issuer.values()).isdisjoint(by_issuer_other.values())
    return SAME_NUMBER_OTHER_ISSUER if is_shared else UNKNOWN


def _compare_sexes(one: Sex | None, other: Sex | None) -> FieldResult:
    if one not in _BINARY or other not in _BINARY:
        return UNKNOWN
    return SAME if one == other else DIFFERENT
