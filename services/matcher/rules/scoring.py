"""The scored tier: how much two people resemble each other, for a person to judge (R17)."""

from collections.abc import Mapping

from services.matcher.rules.agreement import Agreement
from services.matcher.rules.comparison import Comparison

#: how much each field says; the sex only where it differs, as it follows from the first name otherwise
WEIGHTS: Mapping[str, float] = {
    "given_name": 0.25,
    "last_name": 0.25,
    "birth_date": 0.28,
    "phone": 0.18,
    "record_number": 0.30,
    "sex": 0.05,
}
#: less compared weight than this can not reach a full score, so that two agreeing fields alone do not look certain
LEAST_WEIGHT = 0.8
#: without one of these at least half agreeing it would be a match by name alone (R16)
_EVIDENCE = ("birth_date", "phone", "record_number")


def score_of(comparison: Comparison) -> float:
    """Return the resemblance of two people from 0 to 1; 0 where only names agree."""
    if all(getattr(comparison, field).score < 0.5 for field in _EVIDENCE):
        return 0.0
    weight = total = 0.0
    for field, field_weight in WEIGHTS.items():
        result = getattr(comparison, field)
        is_implied = field == "sex" and result.agreement is Agreement.SAME
        if result.agreement is not Agreement.UNKNOWN and not is_implied:
            weight += field_weight
            total += field_weight * result.score
    return round(total / max(weight, LEAST_WEIGHT), 4)


def field_scores(comparison: Comparison) -> dict[str, float]:
    """Return the score of every field that both sides stated, for showing them side by side."""
    return {
        field: round(result.score, 3)
        for field, result in comparison._asdict().items()
        if result.agreement is not Agreement.UNKNOWN
    }
