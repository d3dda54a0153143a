import json
from email import message_from_bytes
from itertools import islice
from random import Random

import pytest

from baton.synthetic.mess import Mess, messed_up
from baton.synthetic.messages import render
from baton.synthetic.orders import make_orders
from schemas.vocabulary import Channel


@pytest.mark.parametrize("channel", Channel)
def test_same_seed_gives_the_same_bytes(channel: Channel) -> None:
    first, second = (render(next(make_orders(4)), channel, Random(1), clinic="hill", is_messy=True) for _ in range(2))

    assert first == second


@pytest.mark.parametrize("channel", Channel)
def test_two_orders_are_two_messages(channel: Channel) -> None:
    one, two = islice(make_orders(4), 2)

    assert render(one, channel, Random(1), clinic="hill") != render(two, channel, Random(1), clinic="hill")


@pytest.mark.parametrize("mess", Mess)
@pytest.mark.parametrize("channel", Channel)
def test_every_defect_can_be_written_on_every_channel(channel: Channel, mess: Mess) -> None:
    class Always(Random):
        def choice(self, seq):  # type: ignore[no-untyped-def]  # narrows the draw to one defect
            return mess

    assert render(next(make_orders(4)), channel, Always(1), clinic="hill", is_messy=True).content


def test_portal_form_names_the_patient() -> None:
    order = next(make_orders(4))

    form = json.loads(render(order, Channel.PORTAL, Random(1), clinic="hill").content)

    assert form["patient"]["last_name"] == order.person.last_name
    assert form["referral"]["order_number"] == order.number


def test_fax_carries_a_pdf() -> None:
    message = message_from_bytes(render(next(make_orders(4)), Channel.FAX, Random(1), clinic="hill").content)

    attachments = [part for part in message.walk() if part.get_content_type() == "application/pdf"]

    assert [bytes(part.get_payload(decode=True))[:5] for part in attachments] == [b"%PDF-"]


def test_missing_birth_date_is_not_written() -> None:
    order = messed_up(next(make_orders(4)), Mess.NO_BIRTH_DATE)

    form = json.loads(render(order, Channel.PORTAL, Random(1), clinic="hill").content)

    assert form["patient"]["birth_date"] is None
