"""The board's API over a real database."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from prometheus_client import generate_latest
from starlette.testclient import TestClient

from baton.stack.addresses import Addresses
from runtime.audit import verify_chains
from runtime.settings import Environment
from schemas.event import Event
from schemas.events import PatientCorrected, ReferralCommanded
from schemas.vocabulary import CommandAction, Role, Stage
from services.board.app import make_app
from services.board.store.session import Pool, open_pool
from tests.support.board import AnsweringBroker, board_settings, desk_over, migrated_database
from tests.support.network_rows import RECEIVED, NetworkRows, SyntheticPatient, SyntheticReferral

LOOPBACK = ("127.0.0.1", 50000)
NOW = RECEIVED + timedelta(hours=5)
MARA = SyntheticPatient("p-mara", "Mara Lynn", "Sentinel-Ruiz", mrn="MR-00-4711")
NILS = SyntheticPatient("p-nils", "Nils", "O’Sentinel", phone="+16175550199")
OLGA = SyntheticPatient("p-olga", "Olga", "Sentinel-Ruiz")


@dataclass
class World:
    """A network with referrals, and the board that answers for it."""

    database_url: str
    pool: Pool
    broker: AnsweringBroker
    mara: str
    nils: str
    closed: str
    foreign: str

    def client(self, user_id: str | None = "ivy", *, caller: tuple[str, int] = LOOPBACK, **settings: Any) -> TestClient:
        """Return a client that acts for a person."""
        desk = desk_over(self.pool, self.broker, NOW, **settings)
        headers = {"X-Baton-User": user_id} if user_id is not None else {}
        return TestClient(make_app(desk), client=caller, headers=headers)

    def audit(self, **wanted: str) -> list[tuple[Any, ...]]:
        """Return the audited reads of a request."""
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(
                "SELECT action, actor, referral_id, patient_id FROM audit.entry WHERE cause_id = %s ORDER BY position",
                (wanted["cause_id"],),
            ).fetchall()


@pytest.fixture(scope="module")
def database(stack: Addresses) -> Iterator[str]:
    with migrated_database(stack.database_url, "board") as url:
        yield url


@pytest.fixture(scope="module")
def filled(database: str) -> Iterator[World]:
    with psycopg.connect(database) as connection:
        own, other = NetworkRows(connection), NetworkRows(connection, "lakeside")
        own.add_directory()
        other.add_directory(suffix="-lakeside")
        for patient in (MARA, NILS):
            own.add_patient(patient)
        other.add_patient(OLGA)
        later = timedelta(days=2)
        mara = own.add_referral(SyntheticReferral(number=1, patient_id="p-mara"))
        nils = own.add_referral(SyntheticReferral(number=2, patient_id="p-nils", clinic_id="hill", due_after=later))
        closed = own.add_referral(
            SyntheticReferral(
                number=3,
                patient_id="p-mara",
                stage=Stage.CLOSED_UNABLE_TO_SCHEDULE,
                clock="stopped",
                due_after=None,
            )
        )
        foreign = other.add_referral(SyntheticReferral(number=4, patient_id="p-olga"))
        own.add_notice(clinic_id="harbor", team="intake", referral_ids=[mara])
    pool = open_pool(board_settings(database))
    try:
        yield World(database, pool, AnsweringBroker(database), mara, nils, closed, foreign)
    finally:
        pool.close()


@pytest.fixture
def world(filled: World) -> World:
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
def test_a_patient_is_found_by_name_phone_or_record_number(world: World, query: str) -> None:
    assert _found(world.client(), query) == [world.mara, world.closed]


def test_a_birth_date_finds_everyone_born_that_day(world: World) -> None:
    assert set(_found(world.client(), "3/9/1984")) == {world.mara, world.closed, world.nils}


def test_a_referral_id_is_found_however_it_is_typed(world: World) -> None:
    assert _found(world.client(), world.nils.replace("-", "").lower()) == [world.nils]
    assert _found(world.client(), f" {world.nils.replace('-', ' ')} ") == [world.nils]


@pytest.mark.parametrize("query", ["osentinel", "O'Sentinel nils", "Nils Osentinel"])
def test_a_name_is_found_without_its_accents_and_apostrophes(world: World, query: str) -> None:
    assert _found(world.client(), query) == [world.nils]


@pytest.mark.parametrize(
    "query", ["Nobody Here", "1901-01-01", "617 555 0000", "' OR 1=1 --", "%", "Sentinel-Ruiz Otto"]
)
def test_what_is_not_there_is_not_found(world: World, query: str) -> None:
    assert _found(world.client(), query) == []


def test_a_referral_tells_where_it_is_and_who_owns_the_next_step(world: World) -> None:
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
def test_each_role_is_shown_its_columns_and_no_more(world: World, user_id: str) -> None:
    answer = world.client(user_id).get(f"/api/referrals/{world.mara}").json()

    shown = {part for part in ("patient", "order", "clinical", "insurance") if answer[part] is not None}

    assert shown == set(SHOWN[user_id])


def test_an_auditor_finds_referrals_by_id_and_not_by_name(world: World) -> None:
    assert _found(world.client("audrey"), world.mara) == [world.mara]
    assert _found(world.client("audrey"), "Sentinel-Ruiz") == []


@pytest.mark.parametrize("path", ["", "/timeline", "/access"])
def test_what_is_not_yours_is_not_there(world: World, path: str) -> None:
    unknown = world.client("ivy").get(f"/api/referrals/0000-0000-0000{path}")
    foreign = world.client("ivy").get(f"/api/referrals/{world.foreign}{path}")
    other_clinic = world.client("hilda").get(f"/api/referrals/{world.mara}{path}")

    assert unknown.status_code == foreign.status_code == other_clinic.status_code == 404
    assert unknown.json() == foreign.json() == other_clinic.json()


def test_a_person_of_one_clinic_finds_this_clinic_alone(world: World) -> None:
    assert _found(world.client("hilda"), "3/9/1984") == [world.nils]


def test_the_timeline_shows_each_wait_on_whom_and_how_long(world: World) -> None:
    answer = world.client().get(f"/api/referrals/{world.mara}/timeline").json()

    (stay,) = answer["stays"]
    assert (stay["stage"], stay["waiting_on"], stay["waited_s"]) == ("intake_received", "clinic", 5 * 3600)
    assert answer["waited_s_by_party"] == {"clinic": 5 * 3600}
    assert answer["history"][0]["comment"] == "a comment that staff wrote"


def test_a_comment_is_hidden_from_those_who_need_it_not(world: World) -> None:
    answer = world.client("adam").get(f"/api/referrals/{world.mara}/timeline").json()

    assert answer["history"][0]["comment"] is None


def test_queues_tell_what_is_open_and_overdue(world: World) -> None:
    queues = {queue["queue"]: queue for queue in world.client().get("/api/queues").json()}

    assert queues["riverside.harbor.intake"]["open"] == 1
    assert queues["riverside.harbor.intake"]["overdue"] == 1
    assert queues["riverside.hill.intake"]["overdue"] == 0
    assert set(queues) == {"riverside.harbor.intake", "riverside.hill.intake"}


def test_a_queue_is_read_page_by_page_in_order_of_due_times(database: str, world: World) -> None:
    client = world.client("sue")
    with psycopg.connect(database) as connection:
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
def test_a_page_that_nobody_gave_out_is_refused(world: World, after: str) -> None:
    assert world.client().get("/api/tasks", params={"after": after}).status_code == 400


def test_tasks_are_listed_by_queue_owner_and_status(world: World) -> None:
    client = world.client()

    of_queue = client.get("/api/tasks", params={"queue": "riverside.hill.intake"}).json()["tasks"]
    of_owner = client.get("/api/tasks", params={"owner": "nobody"}).json()["tasks"]

    assert [task["referral_id"] for task in of_queue] == [world.nils]
    assert of_owner == []


def test_notices_reach_the_team_they_are_for(world: World) -> None:
    assert [notice["referral_ids"] for notice in world.client("ivy").get("/api/notices").json()] == [[world.mara]]
    assert world.client("sam").get("/api/notices").json() == []


def test_who_can_see_a_referral_is_told(world: World) -> None:
    answer = {
        entry["user_id"]: entry for entry in world.client("sue").get(f"/api/referrals/{world.nils}/access").json()
    }

    assert answer["hilda"]["reason"] == "works for clinic hill"
    assert answer["cleo"]["columns"] == ["identity", "clinical", "comment"]


def test_a_command_is_published_once_and_its_answer_told(world: World) -> None:
    client, command_id = world.client("ivy"), str(uuid.uuid4())
    wish = {"command_id": command_id, "action": "move", "to_stage": "eligibility", "expected_version": 1}

    first = client.post(f"/api/referrals/{world.mara}/commands?wait_s=5", json=wish)
    second = client.post(f"/api/referrals/{world.mara}/commands?wait_s=5", json=wish)

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json() == client.get(f"/api/commands/{command_id}").json()
    assert (first.json()["outcome"], first.json()["version"]) == ("applied", 1)
    (event,) = world.broker.events
    assert isinstance(event, ReferralCommanded)
    assert (event.action, event.by_user, event.by_role) == (CommandAction.MOVE, "ivy", Role.INTAKE)
    assert event.to_stage is Stage.ELIGIBILITY
    assert event.network_id == "riverside"


def test_a_refused_command_is_told_with_the_rule(world: World) -> None:
    world.broker.outcome = ("refused", "stale_version")

    answer = world.client().post(f"/api/referrals/{world.mara}/commands?wait_s=5", json={"action": "claim"})

    assert answer.status_code == 409
    assert (answer.json()["outcome"], answer.json()["rule"]) == ("refused", "stale_version")


def test_a_command_without_an_answer_yet_is_pending(world: World) -> None:
    world.broker.outcome = None

    answer = world.client().post(f"/api/referrals/{world.mara}/commands?wait_s=0.1", json={"action": "claim"})

    assert (answer.status_code, answer.json()["outcome"]) == (202, "pending")


def test_a_command_that_the_broker_did_not_take_is_not_reported_as_done(world: World) -> None:
    world.broker.is_away = True

    answer = world.client().post(f"/api/referrals/{world.mara}/commands?wait_s=5", json={"action": "claim"})

    assert answer.status_code == 503


def test_nobody_commands_what_he_does_not_see(world: World) -> None:
    foreign = world.client().post(f"/api/referrals/{world.foreign}/commands", json={"action": "claim"})
    auditor = world.client("audrey").post(f"/api/referrals/{world.mara}/commands", json={"action": "claim"})

    assert (foreign.status_code, auditor.status_code) == (404, 403)
    assert world.broker.events == []


def test_the_answer_to_a_command_is_for_those_who_see_the_referral(world: World) -> None:
    command_id = str(uuid.uuid4())
    wish = {"command_id": command_id, "action": "claim"}
    world.client("ivy").post(f"/api/referrals/{world.mara}/commands", json=wish)

    assert world.client("hilda").get(f"/api/commands/{command_id}").status_code == 404
    assert world.client("ivy-lakeside").get(f"/api/commands/{command_id}").status_code == 404


def test_a_correction_is_published_with_the_patients_key(world: World) -> None:
    wish = {"birth_date": "1984-09-03", "phone": "(617) 555-0177", "referral_id": world.mara.lower()}

    answer = world.client("sam").post("/api/patients/p-mara/corrections", json=wish)

    assert (answer.status_code, answer.json()["outcome"]) == (202, "pending")
    (event,) = world.broker.events
    assert isinstance(event, PatientCorrected)
    assert event.matching_key == "key-of-Sentinel-Ruiz"
    assert (str(event.birth_date), event.phone, event.referral_id) == ("1984-09-03", "+16175550177", world.mara)


def test_a_correction_needs_the_right_and_the_patient(world: World) -> None:
    wish = {"phone": "(617) 555-0177"}

    assert world.client("cleo").post("/api/patients/p-mara/corrections", json=wish).status_code == 403
    assert world.client("ivy").post("/api/patients/p-olga/corrections", json=wish).status_code == 404
    merge = {"kind": "merge", "other_patient_id": "p-nils"}
    assert world.client("sam").post("/api/patients/p-mara/corrections", json=merge).status_code == 403
    assert world.broker.events == []


def test_nobody_without_a_name_is_let_in(world: World) -> None:
    path = f"/api/referrals/{world.mara}"

    assert world.client(None).get(path).status_code == 401
    assert world.client("nobody").get(path).status_code == 401
    assert world.client("ivy", caller=("10.0.0.7", 1)).get(path).status_code == 401


def test_a_trusted_proxy_must_prove_itself(world: World) -> None:
    secret = {"board_trusted_proxy": "a long secret", "baton_environment": Environment.PRODUCTION}
    path = f"/api/referrals/{world.mara}"
    far = ("10.0.0.7", 1)

    assert world.client("ivy", caller=far, **secret).get(path).status_code == 401
    proven = {"X-Baton-Proxy": "a long secret"}
    assert world.client("ivy", caller=far, **secret).get(path, headers=proven).status_code == 200
    wrong = {"X-Baton-Proxy": "a wrong secret"}
    assert world.client("ivy", caller=LOOPBACK, **secret).get(path, headers=wrong).status_code == 401


def test_every_read_of_a_patient_is_audited_in_an_unbroken_chain(world: World) -> None:
    ids = [str(uuid.uuid4()) for _ in range(3)]
    client = world.client("sam")

    client.get(f"/api/referrals/{world.nils}", headers={"X-Request-Id": ids[0]})
    client.get(f"/api/referrals/{world.nils}/timeline", headers={"X-Request-Id": ids[1]})
    client.post("/api/search", json={"query": "Nils Osentinel"}, headers={"X-Request-Id": ids[2]})

    assert world.audit(cause_id=ids[0]) == [("view_referral", "sam", world.nils, "p-nils")]
    assert world.audit(cause_id=ids[1]) == [("view_timeline", "sam", world.nils, "p-nils")]
    assert world.audit(cause_id=ids[2]) == [("search", "sam", world.nils, "p-nils")]
    with psycopg.connect(world.database_url) as connection:
        assert [report.broken_at for report in verify_chains(connection)] == [None]


def test_a_foreign_referral_leaves_no_audited_read(world: World) -> None:
    request_id = str(uuid.uuid4())

    world.client().get(f"/api/referrals/{world.foreign}", headers={"X-Request-Id": request_id})

    assert world.audit(cause_id=request_id) == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/search", {"query": ["Sentinel"]}),
        ("/api/search", {"query": "Sentinel" * 100}),
        ("/api/patients/p-mara/corrections", {"birth_date": "Sentinel"}),
        ("/api/patients/p-mara/corrections", {"phone": "Sentinel 12"}),
        ("/api/patients/p-mara/corrections", {"unknown": "Sentinel"}),
    ],
)
def test_a_refused_request_does_not_repeat_what_was_sent(world: World, path: str, body: dict[str, Any]) -> None:
    answer = world.client().post(path, json=body)

    assert answer.status_code == 422
    assert "Sentinel" not in answer.text


def test_a_failure_is_told_without_its_cause(world: World) -> None:
    def fail(_event: Event) -> None:
        raise RuntimeError("Sentinel")

    client = world.client()
    desk = desk_over(world.pool, world.broker, NOW)
    client.app.state.desk = replace(desk, publish=fail)  # type: ignore[attr-defined]  # the application under test

    answer = client.post(f"/api/referrals/{world.mara}/commands", json={"action": "claim"})

    assert (answer.status_code, answer.json()) == (500, {"detail": "The board failed."})


def test_health_and_readiness_need_no_name(world: World) -> None:
    client = world.client(None)

    assert (client.get("/health").status_code, client.get("/ready").status_code) == (200, 200)


def test_the_api_describes_itself(world: World) -> None:
    paths = world.client(None).get("/openapi.json").json()["paths"]

    assert "/api/referrals/{referral_id}" in paths
    assert "409" in paths["/api/referrals/{referral_id}/commands"]["post"]["responses"]


def test_requests_are_measured_by_route_and_never_by_address(world: World) -> None:
    world.client().get(f"/api/referrals/{world.mara}")
    world.client().get("/nowhere/Sentinel")

    metrics = generate_latest().decode()

    assert 'baton_board_request_seconds_count{route="/api/referrals/{referral_id}",status="200"}' in metrics
    assert 'route="unknown",status="404"' in metrics
    assert world.mara not in metrics
    assert "Sentinel" not in metrics
