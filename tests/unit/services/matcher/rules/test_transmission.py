from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.matcher.rules.transmission import REPEAT_WINDOW, Arrival, Transmission, judge_arrival

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def message(name: str, *, content: str | None = "content", after: timedelta = timedelta()) -> Transmission:
    return Transmission(name, f"referral {name}", f"fingerprint {name}", content, NOON + after)


@given(st.timedeltas(-REPEAT_WINDOW, REPEAT_WINDOW))
def test_same_content_within_the_window_is_a_repeat_whichever_came_first(after: timedelta) -> None:
    assert judge_arrival(message("b", after=after), [message("a")]).arrival is Arrival.REPEATED


def test_same_content_after_the_window_is_a_referral_to_be_noted() -> None:
    late = message("b", after=REPEAT_WINDOW + timedelta(seconds=1))

    assert judge_arrival(late, [message("a")]).arrival is Arrival.SAME_CONTENT_LATER


def test_messages_without_identifiers_are_never_one() -> None:
    assert judge_arrival(message("b", content=None), [message("a", content=None)]).arrival is Arrival.FIRST


def test_other_content_is_another_referral() -> None:
    assert judge_arrival(message("b", content="cardiology"), [message("a")]).arrival is Arrival.FIRST


def test_same_submission_is_a_repeat_at_any_time() -> None:
    again = message("a", content=None, after=timedelta(days=400))

    assert judge_arrival(again, [message("a", content=None)]).arrival is Arrival.REPEATED


def test_same_fingerprint_without_identifiers_is_the_same_message() -> None:
    known = message("a", content=None)
    again = Transmission("b", "referral b", known.fingerprint, None, NOON)

    assert judge_arrival(again, [known]).arrival is Arrival.REPEATED


def test_same_fingerprint_with_other_content_is_another_message() -> None:
    known = message("a")
    other = Transmission("b", "referral b", known.fingerprint, "other", NOON)

    assert judge_arrival(other, [known]).arrival is Arrival.FIRST
