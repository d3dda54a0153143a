"""The channel process on a real broker and registry: what it acknowledges stays, whatever happens to it."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from confluent_kafka import Consumer, TopicPartition

from baton.sandbox import Sandbox
from baton.stack.addresses import Addresses
from baton.stack.ports import free_port
from runtime.document_store import LocalDocumentStore
from runtime.registry import RegistrySchemaIds, make_registry_client
from runtime.settings import Environment, ServiceSettings
from schemas.codec import Codec
from schemas.events import IntakeSubmitted
from schemas.ids import referral_id_of
from tests.support.waiting import eventually

REPOSITORY = Path(__file__).parents[2]
SAMPLES = REPOSITORY / "tests" / "samples"
FORM = json.loads((SAMPLES / "portal" / "complete.json").read_bytes())
SENTINEL = "Xylophone-Sentinel"


@pytest.fixture(scope="module")
def infrastructure(stack: Addresses) -> ServiceSettings:
    return ServiceSettings(
        kafka_bootstrap_servers=stack.kafka_bootstrap_servers,
        schema_registry_url=stack.schema_registry_url,
        database_url=stack.database_url,
        baton_environment=Environment.TEST,
    )


@pytest.fixture(scope="module")
def sandbox(infrastructure: ServiceSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(infrastructure, tmp_path_factory.mktemp("channels"), settings={"DROP_SETTLE_S": "0.1"}) as running:
        yield running


@pytest.fixture
def channels(sandbox: Sandbox) -> Iterator[Sandbox]:
    sandbox.start("channels")
    yield sandbox
    sandbox.stop()


def submissions(sandbox: Sandbox) -> list[IntakeSubmitted]:
    """Return every submission on the topic."""
    consumer = Consumer(
        {
            "bootstrap.servers": sandbox.settings.kafka_bootstrap_servers,
            "group.id": f"{sandbox.prefix}reader",
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    try:
        with make_registry_client(sandbox.settings) as registry:
            codec = Codec(RegistrySchemaIds(registry), topic_prefix=sandbox.prefix)
            return [codec.decode(IntakeSubmitted, data) for data in _values(consumer, sandbox)]
    finally:
        consumer.close()


def _values(consumer: Consumer, sandbox: Sandbox) -> Iterator[bytes]:
    topic = f"{sandbox.prefix}{IntakeSubmitted.schema_name}"
    partitions = consumer.list_topics(topic, timeout=120).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    deadline = time.monotonic() + 30
    ended = 0
    while ended < len(partitions):
        assert time.monotonic() < deadline, "the topic does not end"
        record = consumer.poll(0.5)
        if record is not None and record.error() is None:
            yield record.value() or b""
        ended += record is not None and record.error() is not None


def post(sandbox: Sandbox, number: str) -> httpx.Response:
    form = FORM | {"referral": FORM["referral"] | {"order_number": number}}
    return httpx.post(f"{sandbox.environment()['INTAKE_URL']}/portal/referrals", json=form, timeout=120)


def test_every_sample_goes_through_its_real_door_and_is_kept(channels: Sandbox) -> None:
    answer = baton(channels, "send", str(SAMPLES), "--json")

    rows = [json.loads(line) for line in answer.stdout.splitlines()]
    expected = json.loads((SAMPLES / "expected.json").read_text("utf-8"))
    assert {str(Path(row["path"]).relative_to(SAMPLES)): len(row.get("referrals", ())) for row in rows} == {
        name: len(row["referrals"]) for name, row in expected.items()
    }
    assert answer.returncode == 1  # some samples are there to be refused
    kept = {event.submission_id: event for event in submissions(channels)}
    store = LocalDocumentStore(channels.documents)
    for row in rows:
        for one in row.get("referrals", ()):
            event = kept[one["submission_id"]]
            assert one["referral_id"] == referral_id_of(event.submission_id)
            assert len(store.get(event.content_digest)) == event.content_size


def test_sending_says_why_a_file_was_not_taken(channels: Sandbox, tmp_path: Path) -> None:
    good = baton(channels, "send", str(SAMPLES / "hl7" / "complete.hl7"), "--clinic", "hill")
    broken = baton(channels, "send", str(SAMPLES / "portal" / "broken.json"))
    malformed = baton(channels, "send", str(SAMPLES / "hl7" / "malformed.hl7"))
    (tmp_path / "notes.txt").write_text("notes")
    unknown = baton(channels, "send", str(tmp_path / "notes.txt"))

    assert (good.returncode, broken.returncode, malformed.returncode, unknown.returncode) == (0, 1, 1, 1)
    assert "not_json: The content is not valid JSON." in broken.stderr
    assert "no_header" in malformed.stderr
    assert "--channel" in unknown.stderr


@pytest.mark.parametrize("place", ["channels.after_store", "channels.after_publish"])
def test_a_kill_while_accepting_is_never_an_acknowledgement_and_sending_again_is_the_same(
    sandbox: Sandbox, place: str
) -> None:
    sandbox.start("channels", extra={"FAILPOINT": place})
    with pytest.raises(httpx.HTTPError):
        post(sandbox, place)
    sandbox.process("channels").wait(120)
    sandbox.stop()

    sandbox.start("channels")
    accepted = [post(sandbox, place).json()["submission_id"] for _ in range(2)]
    sandbox.stop()

    assert accepted[0] == accepted[1]
    published = [event.submission_id for event in submissions(sandbox) if event.submission_id == accepted[0]]
    assert len(published) == (3 if place == "channels.after_publish" else 2)


def test_what_was_acknowledged_outlives_a_kill_under_load(sandbox: Sandbox) -> None:
    sandbox.start("channels")
    accepted: list[str] = []

    def send(sender: int) -> None:
        for number in range(1000):
            try:
                accepted.append(post(sandbox, f"{sender}-{number}").json()["submission_id"])
            except httpx.HTTPError:
                return

    senders = [threading.Thread(target=send, args=(sender,)) for sender in range(4)]
    for thread in senders:
        thread.start()
    eventually(lambda: len(accepted) > 40, what="acknowledgements")
    sandbox.process("channels").kill()
    for thread in senders:
        thread.join()
    sandbox.stop()

    kept = {event.submission_id: event for event in submissions(sandbox)}
    store = LocalDocumentStore(sandbox.documents)
    assert all(json.loads(store.get(kept[one].content_digest))["patient"] for one in accepted)


def test_a_dropped_file_whose_taking_was_killed_is_taken_again_as_the_same(sandbox: Sandbox) -> None:
    file = sandbox.inbox / "fax" / "riverside" / "hill" / "fax.pdf"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes((SAMPLES / "fax" / "complete.pdf").read_bytes() + b"%dropped")
    sandbox.start("channels", extra={"FAILPOINT": "channels.before_set_aside"})
    sandbox.process("channels").wait(120)
    sandbox.stop()
    assert file.exists()

    sandbox.start("channels")
    eventually(lambda: not file.exists(), what="the file to be taken")
    sandbox.stop()

    taken = [event for event in submissions(sandbox) if event.file_name == "fax.pdf"]
    assert len(taken) == 2
    assert len({event.submission_id for event in taken}) == 1
    assert taken[0].clinic_id == "hill"


def test_without_a_broker_senders_are_asked_to_come_again(sandbox: Sandbox) -> None:
    process = launch(sandbox, KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{free_port()}")
    try:
        eventually(lambda: answers(sandbox, "/health") == 200, what="the door")
        started = time.monotonic()
        reply = post(sandbox, "no broker")

        assert reply.status_code == 503
        assert int(reply.headers["Retry-After"]) > 0
        assert time.monotonic() - started < 5
        assert answers(sandbox, "/ready") == 503
    finally:
        process.kill()
        process.wait()


def test_a_registry_that_comes_late_is_waited_for(sandbox: Sandbox) -> None:
    port = free_port()
    real = sandbox.environment()["SCHEMA_REGISTRY_URL"]
    host, _, path = real.removeprefix("http://").partition("/")
    process = launch(sandbox, SCHEMA_REGISTRY_URL=f"http://127.0.0.1:{port}/{path}")
    try:
        eventually(lambda: answers(sandbox, "/health") == 200, what="the door")
        assert post(sandbox, "late registry").status_code == 503
        forward(port, host)
        eventually(lambda: answers(sandbox, "/ready") == 200, what="open doors")
        assert post(sandbox, "late registry").status_code == 201
    finally:
        process.kill()
        process.wait()


def test_a_missing_setting_is_named(sandbox: Sandbox) -> None:
    environment = {name: value for name, value in child_environment(sandbox).items() if name != "DOCUMENT_STORE"}
    ended = subprocess.run(
        [sys.executable, "-m", "services.intake.channels"],
        env=environment,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )

    assert ended.returncode == 2
    assert ended.stderr == "missing setting: DOCUMENT_STORE\n"


def test_nothing_of_a_message_is_written_to_the_log(channels: Sandbox) -> None:
    url = channels.environment()["INTAKE_URL"]
    host, _, port = channels.environment()["MLLP_ADDRESS"].rpartition(":")
    bodies = [
        ("/portal/referrals", "application/json", f'{{"patient": {{"last_name": "{SENTINEL}"}}}}'),
        ("/portal/referrals", "application/json", f'{{"{SENTINEL}": '),
        ("/fhir", "application/fhir+json", f'{{"resourceType": "{SENTINEL}"}}'),
        ("/inbound/mail", "message/rfc822", f"Subject: {SENTINEL}\nMessage-ID: <{SENTINEL}>\n\n{SENTINEL}"),
        ("/inbound/csv", "text/csv", f"{SENTINEL}\n{SENTINEL}\n"),
        (f"/inbound/{SENTINEL}", "text/csv", SENTINEL),
    ]
    for path, kind, body in bodies:
        reply = httpx.post(url + path, content=body.encode(), headers={"Content-Type": kind})
        assert SENTINEL not in reply.text
    with socket.create_connection((host, int(port)), timeout=120) as connection:
        connection.sendall(f"\x0bPID|1||{SENTINEL}\x1c\r\x0b{SENTINEL}".encode())
        assert SENTINEL.encode() not in connection.recv(4096)
    (channels.inbox / "portal" / f"{SENTINEL}.json").write_text(SENTINEL)
    eventually(lambda: not (channels.inbox / "portal" / f"{SENTINEL}.json").exists(), what="the file to be taken")
    metrics = httpx.get(f"http://127.0.0.1:{channels.port('metrics-channels')}/metrics").text

    assert "file_taken" in channels.log_of("channels").read_text()
    assert SENTINEL not in channels.log_of("channels").read_text()
    assert SENTINEL not in metrics
    assert 'baton_submissions_total{channel="mail",outcome="accepted"}' in metrics


def baton(sandbox: Sandbox, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "baton", *words],
        env={**os.environ, **sandbox.environment()},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
    )


def child_environment(sandbox: Sandbox) -> dict[str, str]:
    ports = {"INTAKE_HTTP_PORT": "intake", "MLLP_PORT": "mllp", "METRICS_PORT": "metrics-channels"}
    return {
        "PATH": os.environ["PATH"],
        "BATON_ENVIRONMENT": "test",
        **sandbox.environment(),
        **{name: str(sandbox.port(port)) for name, port in ports.items()},
    }


def launch(sandbox: Sandbox, **changed: str) -> subprocess.Popen[bytes]:
    with sandbox.log_of("channels").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "services.intake.channels"],
            env={**child_environment(sandbox), **changed},
            cwd=REPOSITORY,
            stdout=log,
            stderr=log,
        )


def answers(sandbox: Sandbox, path: str) -> int:
    try:
        return httpx.get(f"{sandbox.environment()['INTAKE_URL']}{path}", timeout=2).status_code
    except httpx.HTTPError:
        return 0


def forward(port: int, target: str) -> None:
    """Pass connections of a port on, for the rest of the test run."""
    host, _, target_port = target.partition(":")
    listener = socket.create_server(("127.0.0.1", port))

    def pump(source: socket.socket, sink: socket.socket) -> None:
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)

    def serve() -> None:
        while True:
            client, _ = listener.accept()
            server = socket.create_connection((host, int(target_port)))
            for pair in ((client, server), (server, client)):
                threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
