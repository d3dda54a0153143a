"""How well one field of two people agrees."""

from enum import Enum
from typing import NamedTuple


class Agreement(Enum):
    """How a field of two people compares."""

    SAME = "same"
    ALIKE = "alike"  #: another writing of the same value: a nickname, a misspelling
    WEAK = "weak"  #: explained by a slip, but no evidence on its own: an initial, day and month swapped
    DIFFERENT = "different"
    UNKNOWN = "unknown"  #: missing or a placeholder on either side


class FieldResult(NamedTuple):
    """The agreement of a field and its score from 0 to 1."""

    agreement: Agreement
    score: float


SAME = FieldResult(Agreement.SAME, 1.0)
DIFFERENT = FieldResult(Agreement.DIFFERENT, 0.0)
UNKNOWN = FieldResult(Agreement.UNKNOWN, 0.0)
