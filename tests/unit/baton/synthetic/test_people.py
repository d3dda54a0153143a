from collections import Counter
from itertools import islice
from random import Random

from baton.synthetic.orders import make_orders
from baton.synthetic.people import make_people


def test_same_seed_gives_the_same_people() -> None:
    assert list(islice(make_people(Random(3)), 50)) == list(islice(make_people(Random(3)), 50))


def test_there_are_twins_and_households_that_share_a_phone() -> None:
    people = list(islice(make_people(Random(3)), 2_000))

    twins = Counter((p.last_name, p.birth_date, p.phone) for p in people)
    households = Counter((p.last_name, p.phone) for p in people)

    assert any(count == 2 for count in twins.values())
    assert any(count > 2 for count in households.values())


def test_record_numbers_and_phones_look_real() -> None:
    people = list(islice(make_people(Random(3)), 2_000))

    assert len({p.mrn for p in people}) == len(people)
    assert all(len(p.phone) == 10 and p.phone[4:6] != "11" for p in people)


def test_some_patients_are_referred_again() -> None:
    orders = list(islice(make_orders(3), 500))

    assert len({order.number for order in orders}) == 500
    assert len({order.person.mrn for order in orders}) < 480
