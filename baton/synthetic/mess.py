"""The defects that real messages have (R15), applied to made-up ones."""

from dataclasses import replace
from datetime import date
from enum import StrEnum

from baton.synthetic.orders import Order
from baton.synthetic.people import NICKNAMES

#: stands for "not told"; no patient was born in the year 1
NOT_TOLD = date(1, 1, 1)


class Mess(StrEnum):
    """One defect."""

    NO_BIRTH_DATE = "no_birth_date"
    NO_PHONE = "no_phone"
    NO_SPECIALTY = "no_specialty"
    NICKNAME = "nickname"
    CAPITALS = "capitals"
    TWO_PATIENTS = "two_patients"
    DAY_AND_MONTH_SWAPPED = "day_and_month_swapped"
    REPLY_CHAIN = "reply_chain"
    WRONG_CHARSET = "wrong_charset"
    BAD_SCAN = "bad_scan"
    BROKEN_FILE = "broken_file"
    ENCRYPTED = "encrypted"
    EMPTY = "empty"


def messed_up(order: Order, mess: Mess | None) -> Order:
    """Return the order as its sender wrote it; defects of the container are left to the writer."""
    person = order.person
    match mess:
        case Mess.NO_BIRTH_DATE:
            return replace(order, person=replace(person, birth_date=NOT_TOLD))
        case Mess.NO_PHONE:
            return replace(order, person=replace(person, phone=""))
        case Mess.NO_SPECIALTY:
            return replace(order, specialty="")
        case Mess.NICKNAME:
            given = NICKNAMES.get(person.given_name, person.given_name)
            return replace(order, person=replace(person, given_name=given))
        case Mess.CAPITALS:
            return replace(
                order,
                person=replace(person, given_name=person.given_name.upper(), last_name=person.last_name.upper()),
            )
        case _:
            return order
