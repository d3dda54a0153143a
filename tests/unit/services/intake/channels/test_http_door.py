"""The HTTP door: what it takes, what it refuses and in which words."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from schemas.ids import referral_id_of
from schemas.vocabulary import Channel
from services.intake.channels.bodies import Bodies
from services.intake.channels.http_door import HttpDoor, make_http_app
from services.intake.channels.limits import LARGEST
from services.intake.channels.senders import KnownSenders, NearSenders, Senders, Source
from tests.support.channels import Entrance, entrance
from tests.support.hl7_batches import generated_batch, message

SAMPLES = Path(__file__).parents[4] / "samples"
FORM = (SAMPLES / "portal" / "complete.json").read_bytes()
JSON = {"Content-Type": "application/json"}
FHIR = {"Content-Type": "application/fhir+json"}
MAIL = {"Content-Type": "message/rfc822"}
NEAR = NearSenders("127.0.0.0/8", network="riverside", clinic="harbor")


@pytest.fixture
def inside() -> Iterator[Entrance]:
    with entrance() as found:
        yield found


def client_of(inside: Entrance, *, senders: Senders = NEAR, peer: str = "127.0.0.1", room: int = 10**9) -> TestClient:
    door = HttpDoor(inside.acceptor, senders, inside.clock, lambda: inside.is_open, Bodies(room))
    return TestClient(make_http_app(door), client=(peer, 50_000), raise_server_exceptions=False)


@pytest.fixture
def client(inside: Entrance) -> TestClient:
    return client_of(inside)


def test_a_form_is_accepted_and_its_ids_told(client: TestClient, inside: Entrance) -> None:
    reply = client.post("/portal/referrals?clinic=hill", content=FORM, headers=JSON)

    (event,) = inside.broker.events
    told = {"submission_id": event.submission_id, "referral_id": referral_id_of(event.submission_id)}
    assert reply.status_code == 201
    assert reply.json() == told | {"referrals": [told]}
    assert (event.clinic_id, event.channel) == ("hill", Channel.PORTAL)
    assert inside.contents == [FORM]


def test_the_same_form_three_times_is_one_submission(client: TestClient) -> None:
    replies = [client.post("/portal/referrals", content=FORM, headers=JSON).json() for _ in range(3)]

    assert replies[0] == replies[1] == replies[2]


def test_an_upload_is_kept_file_by_file(client: TestClient, inside: Entrance) -> None:
    files = [("file", ("a.pdf", b"%PDF one", "application/pdf")), ("file", ("b.tiff", b"II* two", "image/tiff"))]
    data = {"given_name": "Jane", "diagnosis": ["R00.2", "I10"]}
    reply = client.post("/portal/referrals", data=data, files=files)

    assert reply.status_code == 201
    document = json.loads(inside.contents[0])
    assert document["fields"] == {"given_name": "Jane", "diagnosis": ["R00.2", "I10"]}
    assert [inside.store.get(pointer["digest"]) for pointer in document["attachments"]] == [b"%PDF one", b"II* two"]


def test_a_bundle_is_created_at_a_location(client: TestClient) -> None:
    reply = client.post("/fhir", content=(SAMPLES / "fhir" / "bundle.json").read_bytes(), headers=FHIR)

    assert reply.status_code == 201
    assert reply.headers["Location"] == f"/fhir/ServiceRequest/{reply.json()['referral_id']}"


@pytest.mark.parametrize("seed", range(40))
def test_a_batch_is_one_submission_a_message_and_a_broken_one_is_left_to_people(
    client: TestClient, inside: Entrance, seed: int
) -> None:
    batch = generated_batch(seed)
    reply = client.post("/inbound/hl7", content=batch.content, headers={"Content-Type": "application/hl7-v2"})

    if any(batch.told):
        assert reply.status_code == 201
        assert len(reply.json()["referrals"]) == len(batch.told)
        assert [event.source_message_id for event in inside.broker.events] == list(batch.told)
    elif batch.told:
        assert (reply.status_code, reply.json()["error"]) == (422, "no_header")
    else:
        assert (reply.status_code, reply.json()) == (200, {"referrals": []})


def test_a_batch_that_lacks_messages_is_left_to_people_as_a_whole(client: TestClient, inside: Entrance) -> None:
    content = b"BHS|^~\\&|\r" + message("A") + b"BTS|2\r"
    reply = client.post("/inbound/hl7", content=content, headers={"Content-Type": "application/hl7-v2"})

    assert reply.status_code == 201
    assert inside.contents == [message("A"), content]


def test_an_export_is_one_submission_a_row(client: TestClient, inside: Entrance) -> None:
    content = (SAMPLES / "callcentre" / "five_calls.csv").read_bytes()
    reply = client.post("/inbound/callcentre", content=content, headers={"Content-Type": "text/csv; charset=utf-8"})

    rows = reply.json()["referrals"]
    assert [row["submission_id"] for row in rows] == [event.submission_id for event in inside.broker.events]
    assert len(rows) == 5
    assert "referral_id" not in reply.json()


@pytest.mark.parametrize(
    ("path", "headers", "content", "status", "error"),
    [
        ("/portal/referrals", JSON, b"{", 400, "not_json"),
        ("/portal/referrals", JSON, b"[]", 400, "not_a_form"),
        ("/portal/referrals", JSON, b"", 400, "empty"),
        ("/portal/referrals", {"Content-Type": "text/html"}, b"x", 415, "unsupported_type"),
        ("/portal/referrals?clinic=..", JSON, b"{}", 422, "bad_address"),
        ("/portal/referrals", {"Content-Type": "multipart/form-data"}, b"x", 400, "not_a_form"),
        ("/portal/referrals", {"Content-Type": "multipart/form-data; boundary=b"}, b"x", 400, "not_a_form"),
        ("/portal/referrals", {"Content-Type": "multipart/form-data; boundary=b"}, b"--b--\r\n", 400, "empty"),
        ("/inbound/mail", MAIL, b" \r\n ", 400, "empty"),
        ("/inbound/mail", {"Content-Type": "application/pdf"}, b"x", 415, "unsupported_type"),
        ("/inbound/fax", {}, b"x", 415, "unsupported_type"),
        ("/inbound/csv", {"Content-Type": "text/csv"}, b"1,2\n3,4\n", 422, "no_header"),
        ("/inbound/hl7", {"Content-Type": "application/hl7-v2"}, b"MSH|", 422, "no_header"),
        ("/inbound/telex", MAIL, b"x", 404, "unknown_channel"),
        ("/inbound/portal", JSON, b"{}", 404, "unknown_channel"),
        ("/nowhere", JSON, b"{}", 404, "not_found"),
    ],
)
def test_what_can_not_be_taken_is_told_in_a_word_and_a_sentence(
    client: TestClient, inside: Entrance, path: str, headers: dict[str, str], content: bytes, status: int, error: str
) -> None:
    reply = client.post(path, content=content, headers=headers)

    assert (reply.status_code, reply.json()["error"]) == (status, error)
    assert reply.json()["reason"].endswith(".")
    assert not inside.broker.events


@pytest.mark.parametrize(
    ("content", "status", "code"), [(b"{", 400, "structure"), (b'{"resourceType":"Device"}', 400, "not-supported")]
)
def test_fhir_senders_are_told_in_fhir(client: TestClient, content: bytes, status: int, code: str) -> None:
    reply = client.post("/fhir/ServiceRequest", content=content, headers=FHIR)

    assert reply.status_code == status
    assert reply.headers["Content-Type"] == "application/fhir+json"
    assert reply.json()["resourceType"] == "OperationOutcome"
    assert reply.json()["issue"][0]["code"] == code


def test_nothing_of_a_message_is_repeated_to_anyone(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    secret = "Xylophone-Sentinel"
    bodies = [f'{{"{secret}": ', f'["{secret}"]', f'{{"resourceType": "{secret}"}}']

    for path in ("/portal/referrals", "/fhir", f"/inbound/{secret}"):
        for body in bodies:
            reply = client.post(path, content=body.encode(), headers=JSON)
            assert secret not in reply.text
    assert secret not in caplog.text


@pytest.mark.parametrize("channel", ["mail", "csv"])
def test_too_large_a_body_is_refused_before_it_is_read(client: TestClient, inside: Entrance, channel: str) -> None:
    largest = LARGEST[Channel(channel)]

    def body() -> Iterator[bytes]:
        for _ in range(largest // 1_000_000 + 1):
            yield b"x" * 1_000_000

    told = client.post(f"/inbound/{channel}", content=b"", headers=MAIL | {"Content-Length": str(largest + 1)})
    streamed = client.post(f"/inbound/{channel}", content=body(), headers=MAIL)

    assert [told.status_code, streamed.status_code] == [413, 413]
    assert not inside.store.documents


def test_ten_thousand_attachments_are_refused_and_nothing_of_them_is_kept(client: TestClient, inside: Entrance) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nx\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    reply = client.post("/portal/referrals", content=part * 10_000 + b"--b--\r\n", headers=headers)

    assert (reply.status_code, reply.json()["error"]) == (413, "too_many_parts")
    assert not inside.store.documents


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "body",
    [
        b'--b\r\nContent-Disposition: form-data; name="' + b"x" * 3_000_000 + b'"\r\n\r\nx\r\n--b--\r\n',
        b"--b\r\n" + b"X: y\r\n" * 300_000 + b"\r\nx\r\n--b--\r\n",
        b"--b\r\nContent-Disposition: form-data; name=f\r\n\r\n" + b"\r\n-" * 1_000_000 + b"\r\n--b--\r\n",
        b"--" * 2_000_000,
    ],
    ids=["long header", "many headers", "nearly boundaries", "hyphens"],
)
def test_hostile_forms_are_refused_in_no_time(client: TestClient, body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    reply = client.post("/portal/referrals", content=body, headers=headers)

    assert reply.status_code in (400, 413)


def test_a_mail_with_ten_thousand_attachments_is_kept_for_people_to_see(client: TestClient, inside: Entrance) -> None:
    mail = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n" * 10_000
    )
    reply = client.post("/inbound/mail", content=mail, headers=MAIL)

    assert reply.status_code == 201
    assert inside.contents == [mail]


def test_while_nothing_can_be_kept_senders_are_asked_to_come_again(client: TestClient, inside: Entrance) -> None:
    inside.broker.is_away = True
    without_broker = client.post("/portal/referrals", content=FORM, headers=JSON)
    inside.broker.is_away, inside.store.is_away = False, True
    without_store = client.post("/portal/referrals", content=FORM, headers=JSON)
    inside.store.is_away, inside.is_open = False, False
    closed = client.post("/fhir", content=FORM, headers=FHIR)

    for reply in (without_broker, without_store, closed):
        assert reply.status_code == 503
        assert int(reply.headers["Retry-After"]) > 0
    assert not inside.broker.events


def test_when_memory_is_taken_senders_are_asked_to_come_again(inside: Entrance) -> None:
    client = client_of(inside, room=1_000)

    refused = client.post("/inbound/mail", content=b"x" * 1_001, headers=MAIL)
    taken = [client.post("/inbound/mail", content=b"x" * 1_000, headers=MAIL) for _ in range(3)]

    assert refused.status_code == 503
    assert [reply.status_code for reply in taken] == [201, 201, 201]


def test_a_source_key_decides_network_clinic_and_source(inside: Entrance) -> None:
    digest = hashlib.sha256(b"secret").hexdigest()
    source = Source(name="portal", network="riverside", clinic="lake", channels=(Channel.PORTAL,), key_digest=digest)
    client = client_of(inside, senders=KnownSenders([source]))

    good = client.post("/portal/referrals?clinic=hill", content=FORM, headers=JSON | {"X-Baton-Source-Key": "secret"})
    wrong = client.post("/portal/referrals", content=FORM, headers=JSON | {"X-Baton-Source-Key": "guess"})
    other = client.post("/inbound/mail", content=b"x", headers=MAIL | {"X-Baton-Source-Key": "secret"})

    assert [good.status_code, wrong.status_code, other.status_code] == [201, 401, 403]
    assert [(event.clinic_id, event.source) for event in inside.broker.events] == [("lake", "portal")]


def test_from_afar_nobody_is_believed(inside: Entrance) -> None:
    reply = client_of(inside, peer="10.0.0.9").post("/portal/referrals", content=FORM, headers=JSON)

    assert (reply.status_code, reply.json()["error"]) == (403, "not_admitted")


def test_a_failure_is_told_without_its_content(inside: Entrance, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def now(self) -> None:
            raise ValueError("Xylophone-Sentinel")

    door = HttpDoor(inside.acceptor, NEAR, Broken(), lambda: True)  # type: ignore[arg-type]
    reply = TestClient(make_http_app(door), client=("127.0.0.1", 1)).post("/inbound/mail", content=b"x", headers=MAIL)

    assert (reply.status_code, reply.json()["error"]) == (500, "internal_error")
    assert "Xylophone-Sentinel" not in reply.text + caplog.text


def test_health_and_readiness(client: TestClient, inside: Entrance) -> None:
    assert client.get("/health").status_code == client.get("/ready").status_code == 200
    inside.is_open = False
    assert client.get("/health").status_code == 200
    assert client.get("/ready").status_code == 503


def test_the_senders_file_name_is_kept_as_a_name_only(client: TestClient, inside: Entrance) -> None:
    headers = {"Content-Type": "application/pdf", "X-Baton-File-Name": "..%2F..%2Fetc%2Fletter%00%0A.pdf"}
    client.post("/inbound/fax", content=b"%PDF", headers=headers)

    assert [event.file_name for event in inside.broker.events] == ["letter .pdf"]


def test_the_root_says_what_can_be_handed_in_and_where(client: TestClient) -> None:
    page = client.get("/")
    listed = {
        path: kinds for path, kinds in re.findall(r"<td>POST</td><td>([^<]+)</td><td>[^<]+</td><td>([^<]+)<", page.text)
    }

    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
    assert {path for path in listed if path.startswith("/inbound/")} == {
        f"/inbound/{channel}" for channel in set(Channel) - {Channel.PORTAL, Channel.FHIR}
    }
    assert {"/portal/referrals", "/fhir", "/fhir/Bundle", "/fhir/ServiceRequest"} < set(listed)
    assert [client.get(link).status_code for link in re.findall(r'href="([^"]+)"', page.text)] == [200, 200]
    for path, kinds in listed.items():
        for kind in kinds.split(", "):
            reply = client.post(path, content=b"-", headers={"Content-Type": kind})
            assert (reply.status_code, reply.json().get("error")) != (415, "unsupported_type"), (path, kind)


def test_the_root_asks_for_a_key_where_the_door_does(inside: Entrance) -> None:
    assert "X-Baton-Source-Key" in client_of(inside, senders=KnownSenders([])).get("/").text
    assert "X-Baton-Source-Key" not in client_of(inside).get("/").text
