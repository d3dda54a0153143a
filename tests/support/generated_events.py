"""Any event that a model admits, for property tests."""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from hypothesis import strategies as st

from schemas.avro_schema import inner_type, is_optional, is_sequence
from schemas.event import Event

_INSTANTS = st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001


def events(kind: type[Event]) -> st.SearchStrategy[Event]:
    """Return a strategy for events of a type."""
    return st.builds(kind, **{name: _values(info.annotation) for name, info in kind.model_fields.items()})


def _values(annotation: Any) -> st.SearchStrategy[Any]:
    values = _of(inner_type(annotation))
    if is_sequence(annotation):
        return st.lists(values, max_size=4).map(tuple)
    return st.none() | values if is_optional(annotation) else values


def _of(inner: Any) -> st.SearchStrategy[Any]:
    if issubclass(inner, Event):
        return events(inner)
    if issubclass(inner, StrEnum):
        return st.sampled_from(inner)
    if inner is bool:
        return st.booleans()
    if inner is int:
        return st.integers(-(2**63), 2**63 - 1)
    if inner is str:
        return st.text(max_size=40)
    if inner is date:
        return st.dates()
    assert inner.__name__ == "AwareDatetime", inner
    return _INSTANTS
