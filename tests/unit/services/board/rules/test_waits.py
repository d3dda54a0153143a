from datetime import UTC, datetime, timedelta

from schemas.vocabulary import Stage, WaitingOn
from services.board.rules.waits import Entry, stays_of, waited_by_party

FRIDAY = datetime(2026, 11, 20, 15, 40, tzinfo=UTC)
HOUR = timedelta(hours=1)


def entry(number: int, stage: Stage, after: timedelta, waiting_on: WaitingOn = WaitingOn.CLINIC) -> Entry:
    return Entry(
        stage=stage,
        stage_entry=number,
        at=FRIDAY + after,
        waiting_on=waiting_on,
        owner_queue="riverside.harbor.intake",
        actor="ivy",
    )


ENTRIES = (
    entry(1, Stage.INTAKE_RECEIVED, 0 * HOUR),
    entry(2, Stage.WAITING_ON_REFERRING_OFFICE, 2 * HOUR, WaitingOn.REFERRING_OFFICE),
    entry(3, Stage.ELIGIBILITY, 5 * HOUR),
)


def test_each_stay_lasts_until_the_next_stage_is_entered() -> None:
    stays = stays_of(ENTRIES, breached=frozenset(), now=FRIDAY + 6 * HOUR)

    assert [stay.waited_s for stay in stays] == [7200, 10800, 3600]
    assert [stay.is_current for stay in stays] == [False, False, True]
    assert stays[-1].until is None


def test_the_waits_are_added_up_by_the_one_waited_on() -> None:
    stays = stays_of(ENTRIES, breached=frozenset(), now=FRIDAY + 7 * HOUR)

    assert waited_by_party(stays) == {WaitingOn.CLINIC: 14400, WaitingOn.REFERRING_OFFICE: 10800}


def test_a_closed_referral_waits_no_longer() -> None:
    closed = entry(4, Stage.CLOSED_UNABLE_TO_SCHEDULE, 6 * HOUR, WaitingOn.NOBODY)

    stays = stays_of((*ENTRIES, closed), breached=frozenset(), now=FRIDAY + 900 * HOUR)

    assert stays[-1].waited_s == 0
    assert WaitingOn.NOBODY not in waited_by_party(stays)


def test_a_breach_belongs_to_its_stay_alone() -> None:
    stays = stays_of(ENTRIES, breached=frozenset({2}), now=FRIDAY + 6 * HOUR)

    assert [stay.is_breached for stay in stays] == [False, True, False]


def test_a_referral_without_history_has_no_stays() -> None:
    assert stays_of((), breached=frozenset(), now=FRIDAY) == ()
