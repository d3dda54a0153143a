"""The same transmission is one referral, two referrals stay two, twins stay two patients."""

from dataclasses import replace
from random import Random

import psycopg
import pytest

from baton.synthetic.messages import render
from baton.synthetic.orders import Order, make_orders
from schemas.vocabulary import Channel
from tests.acceptance.conftest import PIPELINE
from tests.samples.catalogue import JANE
from tests.samples.writers import hl7, letter_mail, table
from tests.support.clinic import Clinic
from tests.support.waiting import eventually


def _order(seed: int) -> Order:
    return next(make_orders(seed))


def _referrals_by_order(clinic: Clinic, number: str) -> list[tuple[str, str]]:
    with psycopg.connect(clinic.sandbox.database_url) as connection:
        rows = connection.execute(
            "SELECT r.referral_id, r.patient_id FROM matcher.referral m JOIN stager.referral r USING (referral_id)"
            " WHERE m.order_number = %s ORDER BY 1",
            [number],
        ).fetchall()
    return [(str(a), str(b)) for a, b in rows]


@pytest.mark.parametrize("channel", [Channel.MAIL, Channel.FAX, Channel.HL7])
def test_same_message_three_times_and_after_a_restart_is_one_referral(clinic: Clinic, channel: Channel) -> None:
    order = _order(9000 + list(Channel).index(channel))
    message = render(order, channel, Random(1), clinic="hill")

    clinic.send(message)
    clinic.send(message)
    eventually(lambda: _referrals_by_order(clinic, order.number), what="the referral")
    clinic.sandbox.stop(*PIPELINE)
    clinic.sandbox.start(*PIPELINE)
    clinic.send(message)
    later = _order(9100 + list(Channel).index(channel))
    clinic.send(render(later, channel, Random(1), clinic="hill"))
    eventually(lambda: _referrals_by_order(clinic, later.number), what="a referral sent afterwards")

    assert len(_referrals_by_order(clinic, order.number)) == 1


def test_the_same_letter_in_a_new_mail_gets_an_id_that_leads_to_the_first_referral(clinic: Clinic) -> None:
    message = render(_order(9600), Channel.MAIL, Random(1), clinic="hill")
    first = clinic.send(message)
    clinic.referral(first)

    again = clinic.send(replace(message, content=message.content.replace(b"Message-ID: <", b"Message-ID: <again-")))
    shown = clinic.referral(again)

    assert again != first
    assert shown["referral_id"] == first
    assert [found["referral_id"] for found in clinic.search(again)] == [first]


def test_two_referrals_of_one_patient_stay_two(clinic: Clinic) -> None:
    first = _order(9200)
    second = replace(first, number=f"{first.number}-B", service="Second opinion", reason="Another complaint")

    ids = [clinic.send(render(o, Channel.PORTAL, Random(1), clinic="lake")) for o in (first, second)]
    found = [clinic.referral(referral_id) for referral_id in ids]

    assert ids[0] != ids[1]
    assert found[0]["patient_id"] == found[1]["patient_id"]


def _back_fill(*rows: tuple[str, ...]) -> bytes:
    return table(("id", "patient_name", "specialty", "reason"), rows).encode()


def test_rows_that_are_numbered_by_patient_are_a_referral_each_and_the_table_again_is_none(clinic: Clinic) -> None:
    rows = (("4711", "Quillon Varga", "Cardiology", ""), ("4711", "Quillon Varga", "Dermatology", ""))
    kind = "text/csv"

    first = clinic.hand_in(Channel.CSV, _back_fill(*rows), kind)
    again = clinic.hand_in(Channel.CSV, _back_fill(*rows), kind)
    longer = clinic.hand_in(Channel.CSV, _back_fill(*rows, ("4711", "Quillon Varga", "Foot care", "")), kind)

    found = [clinic.referral(referral_id) for referral_id in longer]
    assert first == again == longer[:2]
    assert [one["referral_id"] for one in found] == longer
    assert len(set(longer)) == 3


@pytest.mark.parametrize("channel", [Channel.MAIL, Channel.HL7])
def test_two_letters_under_one_message_id_are_two_referrals(clinic: Clinic, channel: Channel) -> None:
    # without phone and birth date nothing but the words tells the two apart
    letters = [JANE.but(born=None, phone="", specialty=specialty) for specialty in ("Cardiology", "Dermatology")]
    if channel is Channel.MAIL:
        messages = [(letter_mail("used-again", letter), "message/rfc822") for letter in letters]
    else:
        messages = [(hl7(letter, "USED-AGAIN").encode(), "application/hl7-v2") for letter in letters]

    ids = [clinic.hand_in(channel, content, kind)[0] for content, kind in messages]

    assert [clinic.referral(referral_id)["referral_id"] for referral_id in ids] == ids
    assert len(set(ids)) == 2


def test_twins_stay_two_patients(clinic: Clinic) -> None:
    first = _order(9300)
    twin = replace(first.person, given_name="Zebulon", mrn="MR9999301")
    second = replace(first, number=f"{first.number}-T", person=twin)

    ids = [clinic.send(render(o, Channel.PORTAL, Random(1), clinic="lake")) for o in (first, second)]
    found = [clinic.referral(referral_id) for referral_id in ids]

    assert found[0]["patient_id"] != found[1]["patient_id"]


def test_stop_and_start_of_every_service_loses_nothing(clinic: Clinic) -> None:
    orders = [_order(9400 + n) for n in range(40)]
    clinic.sandbox.stop("intake", "matcher", "stager")
    ids = [clinic.send(render(o, Channel.PORTAL, Random(1), clinic="harbor")) for o in orders]
    clinic.sandbox.stop("channels")
    clinic.sandbox.start("channels", "intake", "matcher", "stager")

    stages = [clinic.referral(referral_id)["stage"] for referral_id in ids]

    assert stages == ["intake_received"] * len(orders)
