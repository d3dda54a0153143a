from hypothesis import given
from hypothesis import strategies as st

from schemas.events import NoticeRequested
from schemas.vocabulary import NoticeKind
from services.courier.rules.telling import Notice, new_part
from tests.support.notices import NOON, referral, requested, signal


class Told:
    """The memory of what was told, as the table is one."""

    def __init__(self) -> None:
        self.signals: set[tuple[str, NoticeKind]] = set()

    def tell(self, request: NoticeRequested) -> Notice | None:
        fresh = {s for s in request.signal_ids if (s, request.kind) not in self.signals}
        self.signals |= {(s, request.kind) for s in fresh}
        return new_part(request, fresh, at=NOON)


def test_a_repeated_notice_tells_nothing() -> None:
    told = Told()

    assert told.tell(requested(1, 2)) is not None
    assert told.tell(requested(2, 1)) is None


def test_a_notice_that_overlaps_tells_only_what_is_new() -> None:
    told = Told()
    told.tell(requested(1, 2))

    notice = told.tell(requested(2, 3))

    assert notice is not None
    assert (notice.signal_ids, notice.referral_ids) == ((signal(3),), (referral(3),))


def test_a_reminder_does_not_stop_the_breach_from_being_told() -> None:
    told = Told()
    told.tell(requested(1, kind=NoticeKind.REMINDER))

    assert told.tell(requested(1, kind=NoticeKind.BREACH)) is not None


def test_a_storm_is_told_once_however_it_grows() -> None:
    told = Told()

    notices = [told.tell(requested(*numbers, kind=NoticeKind.BREACH_STORM)) for numbers in ((1, 2), (1, 2, 3), (3, 4))]

    assert [notice is not None for notice in notices] == [True, False, False]


@given(st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=6, unique=True), max_size=12))
def test_every_signal_is_told_exactly_once(requests: list[list[int]]) -> None:
    told = Told()

    notices = [told.tell(requested(*numbers)) for numbers in requests]

    tellings = [signal_id for notice in notices if notice for signal_id in notice.signal_ids]
    assert sorted(tellings) == sorted({signal(number) for numbers in requests for number in numbers})
