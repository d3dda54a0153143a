"""The scored tier: how much two people resemble each other, for a person to judge (R17)."""

from collections.abc import Mapping

from services.matcher.rules.agreement import Agreement
from services.matcher.rules.comparison import Comparison

#: how much each field says; what is not named says nothing
WEIGHTS: Mapping[str, float] = {
    "given_name": 0.25,
    "last_name": 0.25,
    "birth_date": 0.28,
    "phone": 0.18,
    "record_number": 0.30,
}
#: only counts against: that the sex is the same follows from the first name
SEX_WEIGHT = 0.05
#: less compared weight than this can not reach a full score, so that two agreeing fields alone do not look certain
LEAST_WEIGHT = 0.8
#: without a birth date, phone or record number that agrees this well it would be a match by name alone (R16)
LEAST_EVIDENCE = 0.5
_WEIGHTS = tuple(WEIGHTS.get(field, 0.0) for field in Comparison._fields)


def score_of(comparison: Comparison) -> float:
    """Return the resemblance of two people from 0 to 1; 0 where only names agree."""
    if max(comparison.birth_date.score, comparison.phone.score, comparison.record_number.score) < LEAST_EVIDENCE:
        return 0.0
    weight = total = 0.0
    for (agreement, score), field_weight in zip(comparison, _WEIGHTS, strict=True):
        if agreement is not Agreement.UNKNOWN:
            weight += field_weight
            total += field_weight * score
    if comparison.sex.agreement is Agreement.DIFFERENT:
        weight += SEX_WEIGHT
    return round(total / max(weight, LEAST_WEIGHT), 4)


def field_scores(comparison: Comparison) -> dict[str, float]:
    """Return the score of every field that both sides stated, for showing them side by side."""
    return {
        field: round(result.score, 3)
        for field, result in comparison._asdict().items()
        if result.agreement is not Agreement.UNKNOWN
    }
