"""Records that were in hand at a death are taken apart, those beyond suspicion stay together."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from runtime.attempts import SUSPECTS_TOGETHER, suspects_apart
from runtime.delivery import RawRecord


def record(offset: int) -> RawRecord:
    return RawRecord("t", 0, offset, b"k", b"v", (), datetime(2026, 1, 1, tzinfo=UTC))


def groups(counts: list[int]) -> list[list[int]]:
    records = [record(offset) for offset in range(len(counts))]
    return [[r.offset for r in group] for group in suspects_apart(records, counts)]


def test_without_suspicion_all_stay_together() -> None:
    assert groups([0] * 500) == [list(range(500))]


def test_strong_suspects_go_alone_between_the_others() -> None:
    assert groups([0, 0, 2, 3, 0]) == [[0, 1], [2], [3], [4]]


def test_weak_suspects_go_in_few() -> None:
    assert [len(group) for group in groups([1] * (SUSPECTS_TOGETHER * 2 + 3))] == [SUSPECTS_TOGETHER] * 2 + [3]


@given(st.lists(st.integers(0, 4), max_size=80))
def test_order_is_kept_and_no_group_mixes_degrees_of_suspicion(counts: list[int]) -> None:
    found = groups(counts)

    assert [offset for group in found for offset in group] == list(range(len(counts)))
    assert all(len({counts[offset] for offset in group}) == 1 for group in found)
    assert all(len(group) == 1 for group in found if counts[group[0]] > 1)
