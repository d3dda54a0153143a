"""However records are cut into batches, the matcher decides the same."""

from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import Event
from schemas.vocabulary import CorrectionKind, ReviewDecision
from tests.support.matcher import MONDAY, MatcherDesk, corrected, patient_of, received

PEOPLE = st.fixed_dictionaries(
    {
        "given_name": st.sampled_from(["Anna", "Ann", "Ewa", "William", "Bill", None]),
        "last_name": st.sampled_from(["Kowalski", "Kowalsky", "Nowak", None]),
        "birth_date": st.sampled_from([date(1985, 3, 11), date(1985, 11, 3), date(2010, 1, 9), None]),
        "phone": st.sampled_from(["+16175550142", "+16175550177", None]),
        "mrn": st.sampled_from([None, None, "A-4711"]),
    }
)


@st.composite
def streams(draw: st.DrawFn) -> list[Event]:
    """Draw referrals of few people, some sent again, and corrections of patients that exist by then."""
    events: list[Event] = []
    number = 0
    for _ in range(draw(st.integers(2, 12))):
        if len(events) > 0 and draw(st.booleans()) and draw(st.booleans()):
            events.append(_correction(draw, number, len(events)))
            continue
        stated: dict[str, Any] = draw(PEOPLE)
        hours = draw(st.sampled_from([0, 1, 30]))
        content = draw(st.sampled_from([None, "cardiology", "neurology"]))
        events.append(received(f"message {number}", at=MONDAY + timedelta(hours=hours), content=content, **stated))
        number += 1
    return events


def _correction(draw: st.DrawFn, known: int, index: int) -> Event:
    patients = [patient_of(f"message {number}") for number in range(known)]
    patient_id = draw(st.sampled_from(patients))
    version = draw(st.sampled_from([None, None, 1, 2]))
    if known > 1 and draw(st.booleans()):
        other = draw(st.sampled_from([other for other in patients if other != patient_id]))
        decision = draw(st.sampled_from(list(ReviewDecision)))
        return corrected(
            patient_id, f"review {index}", kind=CorrectionKind.REVIEW, other_patient_id=other, decision=decision
        )
    changes: dict[str, Any] = {name: value for name, value in draw(PEOPLE).items() if value is not None}
    return corrected(patient_id, f"correct {index}", expected_version=version, **changes)


def _existing(events: list[Event]) -> list[Event]:
    """Keep the corrections of patients that their referrals really created."""
    desk = MatcherDesk()
    kept = []
    for event in events:
        known = {patient_id for _, patient_id in desk.tables.patient}
        named = {getattr(event, "patient_id", None), getattr(event, "other_patient_id", None)} - {None}
        if named <= known:
            desk.hand(event)
            kept.append(event)
    return kept


@settings(max_examples=300, deadline=None)
@given(streams(), st.integers(2, 12))
def test_batches_decide_as_one_by_one(events: list[Event], batch_size: int) -> None:
    events = _existing(events)
    one_by_one, batched = MatcherDesk(), MatcherDesk()

    announced = one_by_one.hand(*events, batch_size=1)
    announced_batched = batched.hand(*events, batch_size=batch_size)

    assert announced_batched == announced
    assert batched.tables == one_by_one.tables
    assert batched.automation == one_by_one.automation
    assert batched.audit == one_by_one.audit


def _under_another_id(event: Event) -> Event:
    # the same event id would not get past the inbox
    return event.model_copy(update={"event_id": f"again {event.event_id}"})  # type: ignore[attr-defined]


@settings(max_examples=100, deadline=None)
@given(streams())
def test_every_message_sent_again_changes_nothing(events: list[Event]) -> None:
    events = [event for event in events if event.schema_name == "referral.received.v1"]
    once, twice = MatcherDesk(), MatcherDesk()

    once.hand(*events)
    twice.hand(*(copy for event in events for copy in (event, _under_another_id(event))))

    assert twice.tables.referral.keys() == once.tables.referral.keys()
    assert twice.tables.patient.keys() == once.tables.patient.keys()
