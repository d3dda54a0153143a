import re
from dataclasses import fields

import pytest

from services.stager.rules.referral import DocumentPointer, Referral, Task
from services.stager.store import statement
from services.stager.working_set import CommandAnswer
from tests.support.stager import Desk

LIST = r"(?:SELECT|\()\n((?:    [a-z_, ]+\n)+)"


def columns(name: str) -> list[tuple[str, ...]]:
    text = statement(name).decode()
    return [tuple(re.split(r",\s*", found.strip())) for found in re.findall(LIST, text)]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("lock_referrals", Referral),
        ("write_referrals", Referral),
        ("open_tasks", Task),
        ("write_tasks", Task),
        ("write_documents", DocumentPointer),
        ("write_commands", CommandAnswer),
    ],
)
def test_statements_name_the_fields_in_their_order(name: str, kind: type) -> None:
    lists = columns(name)

    assert lists
    assert all(found == tuple(field.name for field in fields(kind)) for found in lists)


def test_a_change_writes_every_field_that_can_change() -> None:
    assignments = statement("write_referrals").decode().split("UPDATE SET")[1]
    fixed = {"network_id", "referral_id", "clinic_id", "submission_id", "channel", "received_at"}

    written = set(re.findall(r"(\w+) = excluded\.\1", assignments))

    assert written == {field.name for field in fields(Referral)} - fixed


def test_copies_have_no_fields_of_their_own() -> None:
    desk = Desk()
    desk.to_ready()

    assert list(vars(desk.referral)) == [field.name for field in fields(Referral)]
    assert list(vars(desk.tasks[0])) == [field.name for field in fields(type(desk.tasks[0]))]
