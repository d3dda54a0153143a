"""Dates of birth: the same, explained by a slip of the pen, or another person's."""

from datetime import date

from services.matcher.rules.agreement import DIFFERENT, SAME, UNKNOWN, Agreement, FieldResult

SLIP = FieldResult(Agreement.WEAK, 0.8)
#: digits of YYYYMMDD in which a slip is likelier than another person; a wrong decade is a parent or a child
_FIRST_SLIP_DIGIT = 3
_FIRST_SWAP_DIGIT = 4


def compare_birth_dates(one: date | None, other: date | None) -> FieldResult:
    """Compare two dates of birth; day and month swapped or one wrong digit is a slip."""
    if one is None or other is None:
        return UNKNOWN
    if one == other:
        return SAME
    if one.year == other.year and one.day == other.month and one.month == other.day:
        return SLIP
    if abs(one.year - other.year) > 9:
        return DIFFERENT
    return SLIP if _is_one_slip(f"{one:%Y%m%d}", f"{other:%Y%m%d}") else DIFFERENT


def _is_one_slip(one: str, other: str) -> bool:
    wrong = [index for index in range(8) if one[index] != other[index]]
    if len(wrong) == 1:
        return wrong[0] >= _FIRST_SLIP_DIGIT
    if len(wrong) != 2 or wrong[1] != wrong[0] + 1 or wrong[0] < _FIRST_SWAP_DIGIT:
        return False
    return one[wrong[0]] == other[wrong[1]] and one[wrong[1]] == other[wrong[0]]
