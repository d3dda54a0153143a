from datetime import timedelta

from services.stager.rules.calendar import AlwaysOpenCalendar
from tests.support.stager import FRIDAY


def test_an_open_clinic_counts_every_hour() -> None:
    calendar = AlwaysOpenCalendar()

    assert calendar.add(FRIDAY, timedelta(hours=60)) == FRIDAY + timedelta(hours=60)
    assert calendar.between(FRIDAY, FRIDAY + timedelta(hours=60)) == timedelta(hours=60)


def test_no_time_passes_backwards() -> None:
    assert AlwaysOpenCalendar().between(FRIDAY, FRIDAY - timedelta(hours=1)) == timedelta()
