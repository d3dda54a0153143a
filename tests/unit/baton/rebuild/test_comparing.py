"""Two sorted contents are compared row by row, without holding either."""

from baton.rebuild.comparing import Row, compare_rows
from baton.rebuild.contents import CONTENTS, Content

CONTENT = Content(name="things", table="a.thing", key="id")


def keys(left: list[Row], right: list[Row]) -> tuple[str, ...]:
    return compare_rows(CONTENT, left, right).keys


def test_the_same_rows_have_the_same_hash() -> None:
    rows = [("a", "1"), ("b", "2")]

    found = compare_rows(CONTENT, rows, list(rows))

    assert found.is_same
    assert found.rows == (2, 2)
    assert "same" in found.line()


def test_rows_that_differ_are_told_once_by_their_key() -> None:
    assert keys([("a", "1"), ("b", "2")], [("a", "1"), ("b", "3")]) == ("b",)


def test_rows_of_one_side_only_are_told() -> None:
    assert keys([("a", "1"), ("c", "3")], [("b", "2"), ("c", "3")]) == ("a", "b")
    assert keys([], [("z", "1")]) == ("z",)


def test_a_row_that_is_there_twice_is_a_difference() -> None:
    assert keys([("a", "1"), ("a", "1")], [("a", "1")]) == ("a",)


def test_keys_sort_by_bytes_as_in_the_database() -> None:
    rows = [("B", "1"), ("a", "1"), ("ä", "1")]

    assert keys(rows, rows[:2]) == ("ä",)


def test_only_the_first_keys_are_told() -> None:
    found = compare_rows(CONTENT, [(f"{n:03}", "1") for n in range(50)], [])

    assert (found.different, len(found.keys)) == (50, 20)
    assert found.line().endswith("and 30 more")


def test_what_a_rebuild_promises_is_compared_exactly() -> None:
    exact = {content.table for content in CONTENTS if content.is_exact}

    assert exact >= {"stager.referral", "stager.stage_history", "stager.task", "matcher.patient", "audit.entry"}
