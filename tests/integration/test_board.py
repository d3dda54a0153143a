"""What the board answers, over a real database."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from baton.stack.addresses import Addresses
from tests.support.board import AnsweringBroker
from tests.support.board_world import BoardWorld, board_world
from tests.support.network_rows import NetworkRows, SyntheticReferral


@pytest.fixture(scope="module")
def filled(stack: Addresses) -> Iterator[BoardWorld]:
    with board_world(stack.database_url) as world:
        yield world


@pytest.fixture
def world(filled: BoardWorld) -> BoardWorld:
    filled.broker = AnsweringBroker(filled.database_url)
    return filled


def _found(client: TestClient, query: str) -> list[str]:
    answer = client.post("/api/search", json={"query": query})
    assert answer.status_code == 200, answer.text
    return [referral["referral_id"] for referral in answer.json()["referrals"]]


@pytest.mark.parametrize(
    "query",
    [
        "Sentinel-Ruiz",
        "mara sentinel ruiz",
        "SENTINEL-RUIZ, MARA LYNN",
        "Sentinel-Ruiz 1984-03-09",
        "mara sentinel-ruiz 03/09/1984 (617) 555-0142",
        "(617) 555-0142",
        "+1 617 555 0142",
        "MRN mr-00-4711",
        "mr004711",
    ],
)
def test_a_patient_is_found_by_name_phone_or_record_number(world: BoardWorld, query: str) -> None:
    assert _found(world.client(), query) == [world.mara, world.closed]


def test_a_birth_date_finds_everyone_born_that_day(world: BoardWorld) -> None:
    assert set(_found(world.client(), "3/9/1984")) == {world.mara, world.closed, world.nils}


def test_a_referral_id_is_found_however_it_is_typed(world: BoardWorld) -> None:
    assert _found(world.client(), world.nils.replace("-", "").lower()) == [world.nils]
    assert _found(world.client(), f" {world.nils.replace('-', ' ')} ") == [world.nils]


@pytest.mark.parametrize("query", ["osentinel", "O'Sentinel nils", "Nils Osentinel"])
def test_a_name_is_found_without_its_accents_and_apostrophes(world: BoardWorld, query: str) -> None:
    assert _found(world.client(), query) == [world.nils]


@pytest.mark.parametrize(
    "query", ["Nobody Here", "1901-01-01", "617 555 0000", "' OR 1=1 --", "%", "Sentinel-Ruiz Otto"]
)
def test_what_is_not_there_is_not_found(world: BoardWorld, query: str) -> None:
    assert _found(world.client(), query) == []


def test_a_referral_tells_where_it_is_and_who_owns_the_next_step(world: BoardWorld) -> None:
    answer = world.client("ivy").get(f"/api/referrals/{world.mara}").json()

    assert answer["stage"] == "intake_received"
    assert answer["owner_queue"] == "riverside.harbor.intake"
    assert answer["due_at"] == "2026-11-20T19:40:00Z"
    assert answer["waiting_on"] == "clinic"
    assert answer["missing_items"] == ["phone"]
    assert answer["version"] == 1
    assert answer["last_event"] == {"kind": "opened", "at": "2026-11-20T15:40:00Z", "by": "stager"}
    assert [task["type"] for task in answer["open_tasks"]] == ["Review new referral"]
    assert [document["kind"] for document in answer["documents"]] == ["referral_letter"]
    assert answer["patient"]["last_name"] == "Sentinel-Ruiz"


SHOWN = {
    "ivy": ("patient", "order", "clinical", "insurance"),
    "eli": ("patient", "order", "clinical", "insurance"),
    "cleo": ("patient", "order", "clinical"),
    "sam": ("patient", "order"),
    "sue": ("patient", "order", "clinical", "insurance"),
    "adam": ("patient", "order"),
    "audrey": (),
}


@pytest.mark.parametrize("user_id", SHOWN)
def test_each_role_is_shown_its_columns_and_no_more(world: BoardWorld, user_id: str) -> None:
    answer = world.client(user_id).get(f"/api/referrals/{world.mara}").json()

    shown = {part for part in ("patient", "order", "clinical", "insurance") if answer[part] is not None}

    assert shown == set(SHOWN[user_id])


def test_an_auditor_finds_referrals_by_id_and_not_by_name(world: BoardWorld) -> None:
    assert _found(world.client("audrey"), world.mara) == [world.mara]
    assert _found(world.client("audrey"), "Sentinel-Ruiz") == []


@pytest.mark.parametrize("path", ["", "/timeline", "/access"])
def test_what_is_not_yours_is_not_there(world: BoardWorld, path: str) -> None:
    unknown = world.client("ivy").get(f"/api/referrals/0000-0000-0000{path}")
    foreign = world.client("ivy").get(f"/api/referrals/{world.foreign}{path}")
    other_clinic = world.client("hilda").get(f"/api/referrals/{world.mara}{path}")

    assert unknown.status_code == foreign.status_code == other_clinic.status_code == 404
    assert unknown.json() == foreign.json() == other_clinic.json()


def test_a_person_of_one_clinic_finds_this_clinic_alone(world: BoardWorld) -> None:
    assert _found(world.client("hilda"), "3/9/1984") == [world.nils]


def test_the_timeline_shows_each_wait_on_whom_and_how_long(world: BoardWorld) -> None:
    answer = world.client().get(f"/api/referrals/{world.mara}/timeline").json()

    (stay,) = answer["stays"]
    assert (stay["stage"], stay["waiting_on"], stay["waited_s"]) == ("intake_received", "clinic", 5 * 3600)
    assert answer["waited_s_by_party"] == {"clinic": 5 * 3600}
    assert answer["history"][0]["comment"] == "a comment that staff wrote"


def test_a_comment_is_hidden_from_those_who_need_it_not(world: BoardWorld) -> None:
    answer = world.client("adam").get(f"/api/referrals/{world.mara}/timeline").json()

    assert answer["history"][0]["comment"] is None


def test_queues_tell_what_is_open_and_overdue(world: BoardWorld) -> None:
    queues = {queue["queue"]: queue for queue in world.client().get("/api/queues").json()}

    assert queues["riverside.harbor.intake"]["open"] == 1
    assert queues["riverside.harbor.intake"]["overdue"] == 1
    assert queues["riverside.hill.intake"]["overdue"] == 0
    assert set(queues) == {"riverside.harbor.intake", "riverside.hill.intake"}


def test_a_queue_is_read_page_by_page_in_order_of_due_times(world: BoardWorld) -> None:
    client = world.client("sue")
    with psycopg.connect(world.database_url) as connection:
        rows = NetworkRows(connection)
        ids = [
            rows.add_referral(
                SyntheticReferral(
                    number=number,
                    patient_id="p-mara",
                    clinic_id="lake",
                    due_after=timedelta(hours=(number * 7) % 5) if number % 4 else None,
                )
            )
            for number in range(100, 112)
        ]
    seen: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        page = client.get("/api/queues/riverside.lake.intake/referrals", params={"after": after, "most": 5}).json()
        seen += page["referrals"]
        after = page["next"]

    due = [referral["due_at"] or "infinity" for referral in seen]
    assert due == sorted(due)
    assert {referral["referral_id"] for referral in seen} == set(ids)
    assert len(seen) == len(ids)
    assert all(referral["patient"] is None for referral in seen)


@pytest.mark.parametrize("after", ["nonsense", "bm9uc2Vuc2U=", "%00"])
def test_a_page_that_nobody_gave_out_is_refused(world: BoardWorld, after: str) -> None:
    assert world.client().get("/api/tasks", params={"after": after}).status_code == 400


def test_tasks_are_listed_by_queue_owner_and_status(world: BoardWorld) -> None:
    client = world.client()

    of_queue = client.get("/api/tasks", params={"queue": "riverside.hill.intake"}).json()["tasks"]
    of_owner = client.get("/api/tasks", params={"owner": "nobody"}).json()["tasks"]

    assert [task["referral_id"] for task in of_queue] == [world.nils]
    assert of_owner == []


def test_notices_reach_the_team_they_are_for(world: BoardWorld) -> None:
    assert [notice["referral_ids"] for notice in world.client("ivy").get("/api/notices").json()] == [[world.mara]]
    assert world.client("sam").get("/api/notices").json() == []


def test_who_can_see_a_referral_is_told(world: BoardWorld) -> None:
    answer = {
        entry["user_id"]: entry for entry in world.client("sue").get(f"/api/referrals/{world.nils}/access").json()
    }

    assert answer["hilda"]["reason"] == "works for clinic hill"
    assert answer["cleo"]["columns"] == ["identity", "clinical", "comment"]
