"""What people ask of the board, who is let in, and what is recorded, over a real database."""

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import psycopg
import pytest
from prometheus_client import generate_latest

from baton.stack.addresses import Addresses
from runtime.audit import verify_chains
from runtime.settings import Environment
from schemas.event import Event
from schemas.events import PatientCorrected, ReferralCommanded
from schemas.vocabulary import CommandAction, Role, Stage
from tests.support.board import AnsweringBroker, desk_over
from tests.support.board_world import LOOPBACK, NOW, BoardWorld, board_world


@pytest.fixture(scope="module")
def filled(stack: Addresses) -> Iterator[BoardWorld]:
    with board_world(stack.database_url) as world:
        yield world


@pytest.fixture
def world(filled: BoardWorld) -> BoardWorld:
    filled.broker = AnsweringBroker(filled.database_url)
    return filled


def test_a_command_is_published_once_and_its_answer_told(world: BoardWorld) -> None:
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


def test_a_refused_command_is_told_with_the_rule(world: BoardWorld) -> None:
    world.broker.outcome = ("refused", "stale_version")

    answer = world.client().post(f"/api/referrals/{world.mara}/commands?wait_s=5", json={"action": "claim"})

    assert answer.status_code == 409
    assert (answer.json()["outcome"], answer.json()["rule"]) == ("refused", "stale_version")


def test_a_command_without_an_answer_yet_is_pending(world: BoardWorld) -> None:
    world.broker.outcome = None

    answer = world.client().post(f"/api/referrals/{world.mara}/commands?wait_s=0.1", json={"action": "claim"})

    assert (answer.status_code, answer.json()["outcome"]) == (202, "pending")


def test_a_command_that_the_broker_did_not_take_is_not_reported_as_done(world: BoardWorld) -> None:
    world.broker.is_away = True

    answer = world.client().post(f"/api/referrals/{world.mara}/commands?wait_s=5", json={"action": "claim"})

    assert answer.status_code == 503


def test_nobody_commands_what_he_does_not_see(world: BoardWorld) -> None:
    foreign = world.client().post(f"/api/referrals/{world.foreign}/commands", json={"action": "claim"})
    auditor = world.client("audrey").post(f"/api/referrals/{world.mara}/commands", json={"action": "claim"})

    assert (foreign.status_code, auditor.status_code) == (404, 403)
    assert world.broker.events == []


def test_the_answer_to_a_command_is_for_those_who_see_the_referral(world: BoardWorld) -> None:
    command_id = str(uuid.uuid4())
    wish = {"command_id": command_id, "action": "claim"}
    world.client("ivy").post(f"/api/referrals/{world.mara}/commands", json=wish)

    assert world.client("hilda").get(f"/api/commands/{command_id}").status_code == 404
    assert world.client("ivy-lakeside").get(f"/api/commands/{command_id}").status_code == 404


def test_a_correction_is_published_with_the_patients_key(world: BoardWorld) -> None:
    wish = {"birth_date": "1984-09-03", "phone": "(617) 555-0177", "referral_id": world.mara.lower()}

    answer = world.client("sam").post("/api/patients/p-mara/corrections", json=wish)

    assert (answer.status_code, answer.json()["outcome"]) == (202, "pending")
    (event,) = world.broker.events
    assert isinstance(event, PatientCorrected)
    assert event.matching_key == "key-of-Sentinel-Ruiz"
    assert (str(event.birth_date), event.phone, event.referral_id) == ("1984-09-03", "+16175550177", world.mara)


def test_a_correction_needs_the_right_and_the_patient(world: BoardWorld) -> None:
    wish = {"phone": "(617) 555-0177"}

    assert world.client("cleo").post("/api/patients/p-mara/corrections", json=wish).status_code == 403
    assert world.client("ivy").post("/api/patients/p-olga/corrections", json=wish).status_code == 404
    merge = {"kind": "merge", "other_patient_id": "p-nils"}
    assert world.client("sam").post("/api/patients/p-mara/corrections", json=merge).status_code == 403
    assert world.broker.events == []


def test_nobody_without_a_name_is_let_in(world: BoardWorld) -> None:
    path = f"/api/referrals/{world.mara}"

    assert world.client(None).get(path).status_code == 401
    assert world.client("nobody").get(path).status_code == 401
    assert world.client("ivy", caller=("10.0.0.7", 1)).get(path).status_code == 401


def test_a_trusted_proxy_must_prove_itself(world: BoardWorld) -> None:
    secret = {"board_trusted_proxy": "a long secret", "baton_environment": Environment.PRODUCTION}
    path = f"/api/referrals/{world.mara}"
    far = ("10.0.0.7", 1)

    assert world.client("ivy", caller=far, **secret).get(path).status_code == 401
    proven = {"X-Baton-Proxy": "a long secret"}
    assert world.client("ivy", caller=far, **secret).get(path, headers=proven).status_code == 200
    wrong = {"X-Baton-Proxy": "a wrong secret"}
    assert world.client("ivy", caller=LOOPBACK, **secret).get(path, headers=wrong).status_code == 401


def test_every_read_of_a_patient_is_audited_in_an_unbroken_chain(world: BoardWorld) -> None:
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


def test_a_foreign_referral_leaves_no_audited_read(world: BoardWorld) -> None:
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
def test_a_refused_request_does_not_repeat_what_was_sent(world: BoardWorld, path: str, body: dict[str, Any]) -> None:
    answer = world.client().post(path, json=body)

    assert answer.status_code == 422
    assert "Sentinel" not in answer.text


def test_a_failure_is_told_without_its_cause(world: BoardWorld) -> None:
    def fail(_event: Event) -> None:
        raise RuntimeError("Sentinel")

    client = world.client()
    desk = desk_over(world.pool, world.broker, NOW)
    client.app.state.desk = replace(desk, publish=fail)  # type: ignore[attr-defined]  # the application under test

    answer = client.post(f"/api/referrals/{world.mara}/commands", json={"action": "claim"})

    assert (answer.status_code, answer.json()) == (500, {"detail": "The board failed."})


def test_health_and_readiness_need_no_name(world: BoardWorld) -> None:
    client = world.client(None)

    assert (client.get("/health").status_code, client.get("/ready").status_code) == (200, 200)


def test_the_root_is_a_plain_page_that_names_every_way_in(world: BoardWorld) -> None:
    client = world.client(None)
    page = client.get("/")
    paths = client.get("/openapi.json").json()["paths"]

    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert set(re.findall(r"/api/[^<]+", page.text)) == {path for path in paths if path.startswith("/api/")}
    assert "X-Baton-User" in page.text
    assert version("baton") in page.text
    assert "<script" not in page.text
    assert [client.get(link).status_code for link in re.findall(r'href="([^"]+)"', page.text)] == [200, 200, 200]


def test_the_api_describes_itself(world: BoardWorld) -> None:
    paths = world.client(None).get("/openapi.json").json()["paths"]

    assert "/api/referrals/{referral_id}" in paths
    assert "409" in paths["/api/referrals/{referral_id}/commands"]["post"]["responses"]


def test_requests_are_measured_by_route_and_never_by_address(world: BoardWorld) -> None:
    world.client().get(f"/api/referrals/{world.mara}")
    world.client().get("/nowhere/Sentinel")

    metrics = generate_latest().decode()

    assert 'baton_board_request_seconds_count{route="/api/referrals/{referral_id}",status="200"}' in metrics
    assert 'route="unknown",status="404"' in metrics
    assert world.mara not in metrics
    assert "Sentinel" not in metrics


@pytest.mark.parametrize("path", ["/api/queues/%00/referrals", "/api/tasks?owner=%00", "/api/notices?queue=a%00b"])
def test_a_value_that_no_database_holds_is_refused(world: BoardWorld, path: str) -> None:
    assert world.client().get(path).status_code == 422


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_a_command_that_could_not_be_stored_is_refused_at_the_door(world: BoardWorld, text: str) -> None:
    body = json.dumps({"action": "add_note", "comment": text})

    answer = world.client().post(f"/api/referrals/{world.mara}/commands", content=body)

    assert answer.status_code == 422
    assert world.broker.events == []


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/referrals/{referral}/commands", "expected_version"),
        ("/api/referrals/{referral}/commands", "appointment_version"),
        ("/api/patients/p-mara/corrections", "expected_version"),
    ],
)
def test_a_number_that_could_not_be_stored_is_refused_at_the_door(world: BoardWorld, path: str, field: str) -> None:
    body = {"action": "add_note"} if "commands" in path else {"phone": "+1 617 555 0177"}
    limit = 2**63 if field == "appointment_version" else 2**31
    client, address = world.client(), path.format(referral=world.mara)

    too_large = client.post(address, json={**body, field: limit})
    largest = client.post(address, json={**body, field: limit - 1})

    assert (too_large.status_code, largest.is_success) == (422, True)
    assert len(world.broker.events) == 1
