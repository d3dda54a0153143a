"""Nobody hears "accepted" before both the bytes and the event are durable, and nothing happens twice."""

from concurrent.futures import CancelledError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.ids import referral_id_of
from schemas.vocabulary import Channel
from services.intake.channels.accept import MOST_WAITING
from services.intake.channels.arrival import Arrival
from services.intake.channels.mail import file_arrival
from services.intake.channels.portal import Upload, upload_arrival
from services.intake.channels.refusal import Refusal, RefusalCode
from tests.support.channels import NOW, SENDER, entrance


def arrival(text: str) -> Arrival:
    return file_arrival(SENDER, Channel.FAX, text.encode(), content_type="application/pdf", now=NOW)


@settings(max_examples=50, deadline=None)
@given(texts=st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=450))
def test_each_arrival_gets_its_own_answer_and_event(texts: list[str]) -> None:
    arrivals = [arrival(text) for text in texts]

    with entrance() as door:
        accepted = door.acceptor.accept(arrivals)

        assert [one.submission_id for one in accepted] == [one.submission_id for one in arrivals]
        assert [one.referral_id for one in accepted] == [referral_id_of(one.submission_id) for one in arrivals]
        assert [event.event_id for event in door.broker.events] == [one.submission_id for one in arrivals]
        assert door.contents == [text.encode() for text in texts]


def test_the_event_says_what_was_accepted() -> None:
    with entrance() as door:
        door.acceptor.accept([arrival("fax")])

    (event,) = door.broker.events
    assert (event.network_id, event.clinic_id, event.source) == ("riverside", "harbor", "elm-street")
    assert (event.channel, event.content_type, event.content_size) == (Channel.FAX, "application/pdf", 3)
    assert event.accepted_at == event.received_at == NOW


def test_the_files_of_a_form_are_kept_before_it_is_announced() -> None:
    form = upload_arrival(SENDER, {"name": "Jane"}, [Upload(b"%PDF letter", "application/pdf", "x.pdf")], now=NOW)

    with entrance() as door:
        door.acceptor.accept([form, arrival("fax")])

        assert door.contents == [form.content, b"fax"]
        assert b"%PDF letter" in door.store.documents.values()


def test_without_the_broker_the_sender_hears_so_and_sending_again_is_the_same_submission() -> None:
    with entrance() as door:
        door.broker.is_away = True
        with pytest.raises(Refusal) as refusal:
            door.acceptor.accept([arrival("fax")])
        door.broker.is_away = False
        first = door.acceptor.accept([arrival("fax")])
        second = door.acceptor.accept([arrival("fax")])

    assert refusal.value.code is RefusalCode.UNAVAILABLE
    assert first == second


def test_without_the_store_nothing_is_announced() -> None:
    with entrance() as door:
        door.store.is_away = True
        with pytest.raises(Refusal):
            door.acceptor.accept([arrival("fax")])

        assert not door.broker.events


def test_those_who_wait_share_one_flush_and_those_who_hang_up_cost_nobody_anything() -> None:
    with entrance() as door:
        door.broker.may_go_on.clear()
        first = door.acceptor.begin([arrival("first")])
        waiting = [door.acceptor.begin([arrival(f"fax {number}")]) for number in range(50)]
        gone = waiting.pop(7)
        assert gone.cancel()
        door.broker.may_go_on.set()

        assert len(first.result(5)) == 1
        assert all(len(answer.result(5)) == 1 for answer in waiting)
        with pytest.raises(CancelledError):
            gone.result(0)
        assert len(door.broker.batches) <= 3


def test_an_arrival_that_breaks_accepting_harms_only_itself() -> None:
    bad = file_arrival(SENDER, Channel.FAX, b"x", content_type="application/pdf", now=None)  # type: ignore[arg-type]

    with entrance() as door:
        door.broker.may_go_on.clear()
        first = door.acceptor.begin([arrival("first")])
        answers = [door.acceptor.begin([one]) for one in (arrival("before"), bad, arrival("after"))]
        door.broker.may_go_on.set()

        assert [type(answer.exception(5)) for answer in (first, *answers)] == [
            type(None),
            type(None),
            Refusal,
            type(None),
        ]


def test_when_too_much_waits_more_is_refused() -> None:
    with entrance() as door:
        door.broker.may_go_on.clear()
        with pytest.raises(Refusal) as refusal:
            for number in range(MOST_WAITING + 300):
                door.acceptor.begin([arrival(str(number))])

    assert refusal.value.code is RefusalCode.UNAVAILABLE
