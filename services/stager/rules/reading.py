"""Typed reading of the mappings in which stage tables and policies are written."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

Written = Mapping[str, Any]
W = TypeVar("W", bound=StrEnum)


class WronglyWritten(ValueError):
    """A stage table or policy does not say what it must say."""


def word(kind: type[W], value: Any, *, of: str) -> W:
    """Return a word of a vocabulary.

    Raises:
        WronglyWritten: the vocabulary has no such word.
    """
    try:
        return kind(value)
    except ValueError:
        raise WronglyWritten(f"{of}: {value!r} is no {kind.__name__}") from None


def words(kind: type[W], values: Sequence[Any], *, of: str) -> tuple[W, ...]:
    """Return words of a vocabulary in the written order."""
    return tuple(word(kind, value, of=of) for value in values)


def required(written: Written, key: str, *, of: str) -> Any:
    """Return what must be written.

    Raises:
        WronglyWritten: it is not there.
    """
    if key not in written:
        raise WronglyWritten(f"{of}: {key} is missing")
    return written[key]


def refuse_unknown(written: Written, known: Sequence[str], *, of: str) -> None:
    """Refuse keys that nobody reads, so that a typing error cannot pass silently.

    Raises:
        WronglyWritten: there is such a key.
    """
    unknown = sorted(set(written) - set(known))
    if unknown:
        raise WronglyWritten(f"{of}: {', '.join(unknown)} not known")
