"""Records that can not be applied: kept untouched with the reason, driven again in order, in nobody's way."""

import json
import signal
import struct
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from confluent_kafka.schema_registry import Schema
from prometheus_client.parser import text_string_to_metric_families

from baton.quarantine import Quarantines, Retry, RetryReport
from baton.refusal import Refused
from baton.stack.addresses import Addresses
from baton.stack.ports import free_port
from runtime.quarantine import RETRY_HEADER, QuarantineState
from runtime.registry import make_registry_client
from schemas.ids import derived_id
from tests.support.relay import changed
from tests.support.relay_world import MONDAY, RelayWorld, command, commands_for, relay_world
from tests.support.waiting import eventually

SMALL = {"batch_size": "20", "batch_wait_ms": "5"}


@pytest.fixture
def world(stack: Addresses, topic_prefix: str, database_url: str, tmp_path: Path) -> Iterator[RelayWorld]:
    with relay_world(
        stack.model_dump(), topic_prefix=topic_prefix, database_url=database_url, folder=tmp_path
    ) as prepared:
        yield prepared


def poison(world: RelayWorld) -> dict[str, tuple[str, bytes | None]]:
    """Return by key what no relay can apply, with the reason it has to be given."""
    good = world.codec.encode(command("good", 1))
    identified = command("id", 1).model_copy
    return {
        "empty": ("not_wire_format", b""),
        "tombstone": ("not_wire_format", None),
        "text": ("not_wire_format", b'{"not": "avro"}'),
        "unknown-id": ("unknown_schema_id", struct.pack(">bI", 0, 2**31 - 7) + good[5:]),
        "foreign": ("foreign_schema", world.codec.encode(changed(command("foreign", 1), 1))),
        "recursive": ("foreign_schema", recursive_record(world)),
        "truncated": ("corrupt_record", good[:-7]),
        "trailing": ("trailing_bytes", good + b"more"),
        "oversized": ("oversized", good + bytes(1_100_000)),
        "word": ("unknown_word", world.codec.encode(identified(update={"action": "dance"}))),
        "nul-id": ("unusable_event_id", world.codec.encode(identified(update={"event_id": "a\x00b"}))),
        "long-id": ("unusable_event_id", world.codec.encode(identified(update={"event_id": "e" * 9_000}))),
        "refused": ("not_today", world.codec.encode(command("refused", 1, comment="reject"))),
        "failing": ("failed_in_service", world.codec.encode(command("failing", 1, comment="fail"))),
        "huge": ("failed_in_service", world.codec.encode(command("huge", 1, comment="huge"))),
        "nul": ("failed_in_service", world.codec.encode(command("n\x00l", 1))),
    }


def recursive_record(world: RelayWorld) -> bytes:
    """Return a record of a schema that nests into itself, under the name that is expected here."""
    link = {"name": "next", "type": ["null", "baton.ReferralCommanded"]}
    schema = {"type": "record", "name": "ReferralCommanded", "namespace": "baton", "fields": [link]}
    with make_registry_client(world.settings) as registry:
        schema_id = registry.register_schema(
            f"{world.settings.topic_prefix}recursive-value", Schema(json.dumps(schema), "AVRO")
        )
    return struct.pack(">bI", 0, schema_id) + b"\x02" * 5_000 + b"\x00"


def test_poison_of_each_kind_is_kept_with_its_reason_and_the_rest_goes_on(world: RelayWorld) -> None:
    sent = commands_for(referrals=6, each=10)
    poisons = poison(world)
    for number, (key, (_, value)) in enumerate(poisons.items()):
        world.send(*sent[3 * number : 3 * number + 3])
        world.send_raw(key.encode(), value, headers=[("x-sender", b"\xff\x00")])
    world.send(*sent[3 * len(poisons) :])

    with world.running(batch_size="20", batch_wait_ms="50"):
        world.await_all()

    rows = {row["key"].decode(): row for row in world.quarantine()}
    assert {key: row["reason"] for key, row in rows.items()} == {key: reason for key, (reason, _) in poisons.items()}
    assert {key: row["value"] for key, row in rows.items()} == {key: value for key, (_, value) in poisons.items()}
    assert {row["headers"] for row in rows.values()} == {'[["x-sender", "\\u00ff\\u0000"]]'}
    assert {(row["state"], row["attempts"]) for row in rows.values()} == {("quarantined", 1)}
    assert world.effects() == sorted(c.event_id for c in sent)
    assert {s.event.cause_id for s in world.seen()} == {c.event_id for c in sent}


def test_a_record_that_kills_its_process_is_found_and_its_neighbours_live(world: RelayWorld) -> None:
    sent = commands_for(referrals=6, each=20)
    world.send(*sent[:70], command("killer", 1, comment="kill"), *sent[70:])
    deaths = 0

    while True:
        process = world.start(**SMALL)
        eventually(lambda: process.poll() is not None or world.lag() == 0)  # noqa: B023
        if process.poll() is None:
            break
        assert process.returncode == -signal.SIGKILL
        deaths += 1

    world.stop(process)
    assert deaths <= 5
    assert [(row["key"], row["reason"]) for row in world.quarantine()] == [(b"killer", "killed_the_process")]
    assert world.effects() == sorted(c.event_id for c in sent)
    assert world.rows("SELECT count(*) FROM relay.attempt") == [(0,)]


def test_records_of_a_key_wait_and_go_on_in_order_when_the_first_one_is_healed(world: RelayWorld) -> None:
    first = [command("bad", 1), command("bad", 2, comment="fail"), command("bad", 3), command("good", 1)]
    later = [command("bad", 4), command("bad", 5, comment="reject"), command("bad", 6)]
    with world.running(**SMALL):
        world.send(*first)
        world.await_all()
        world.send(*later)
        world.await_all()
        assert [row["state"] for row in world.quarantine()] == ["quarantined"] + ["parked"] * 4

        failed = drive(world, key=b"bad")
        attempts = [row["attempts"] for row in world.quarantine()]
        world.heal()
        healed = drive(world, key=b"bad")

    assert [record.state for record in failed.failed] == ["quarantined"] + ["parked"] * 4
    assert attempts == [2] * 5
    assert (healed.failed, healed.waiting) == ((), ())
    assert {row["state"] for row in world.quarantine()} == {"resolved"}
    assert sequence_of(world, "bad") == [derived_id(c.event_id, 0) for c in first[:3] + later]


def test_while_a_key_is_driven_again_new_records_still_come_after_it(world: RelayWorld) -> None:
    sent = [command("busy", number, comment="fail" if number == 0 else None) for number in range(120)]
    with world.running(**SMALL):
        world.send(*sent[:40])
        world.await_all()
        world.heal()
        for number in range(40, 80):
            world.send(sent[number])
        report = drive(world, key=b"busy")
        world.send(*sent[80:])
        world.await_all()

    assert report.failed == ()
    assert sequence_of(world, "busy") == [derived_id(c.event_id, 0) for c in sent]


def test_a_setback_delivered_again_stays_as_it_is(world: RelayWorld) -> None:
    world.send(command("bad", 1), command("bad", 2, comment="fail"), command("bad", 3))
    world.send_raw(b"worse", b"no avro")
    assert world.start(failpoint="relay.after_commit@1", batch_wait_ms="500").wait(120) == -signal.SIGKILL
    before = world.quarantine()

    with world.running(**SMALL):
        world.await_all()

    assert len(before) == 3
    assert world.quarantine() == before
    assert sequence_of(world, "bad") == [derived_id(command("bad", 1).event_id, 0)]


def test_a_forged_claim_to_be_a_retry_closes_nobody_elses_row(world: RelayWorld) -> None:
    with world.running(**SMALL):
        world.send(command("bad", 1, comment="fail"))
        world.await_all()
        (row,) = world.quarantine()
        forged = [(RETRY_HEADER, row["quarantine_id"].encode())]
        world.send_raw(b"other", world.codec.encode(command("other", 1)), headers=forged)
        world.send_raw(b"bad", world.codec.encode(command("bad", 2)), headers=forged)
        world.send_raw(b"third", world.codec.encode(command("third", 1)), headers=[(RETRY_HEADER, b"\x00' --")])
        world.await_all()

    assert [(r["state"], r["attempts"]) for r in world.quarantine()] == [("quarantined", 1), ("parked", 1)]
    assert set(world.counts()) == {"other", "third"}


def test_a_service_without_inbox_closes_what_is_driven_again(world: RelayWorld) -> None:
    bad = [command("a", 1, comment="fail"), command("b", 1, comment="reject")]
    with world.running(**SMALL, keeps_inbox="false"):
        world.send(*bad, command("c", 1))
        world.await_all()
        failed = drive(world)
        world.heal()
        healed = drive(world)

    assert (len(failed.failed), [row["attempts"] for row in world.quarantine()]) == (2, [2, 2])
    assert healed == RetryReport(driven=2)
    assert {row["state"] for row in world.quarantine()} == {"resolved"}
    assert {s.event.cause_id for s in world.seen()} == {c.event_id for c in (*bad, command("c", 1))}


def test_a_discarded_record_lets_the_others_pass_and_is_audited(world: RelayWorld) -> None:
    add_staff(world)
    with world.running(**SMALL):
        world.send(command("bad", 1, comment="fail"), command("bad", 2))
        world.await_all()
        first, _ = world.quarantine()
        with pytest.raises(Refused):
            discard(world, first["quarantine_id"], "ivy")
        discard(world, first["quarantine_id"], "sue")
        with pytest.raises(Refused):
            discard(world, first["quarantine_id"], "sue")
        report = drive(world)

    assert report == RetryReport(driven=1)
    assert [row["state"] for row in world.quarantine()] == ["discarded", "resolved"]
    assert sequence_of(world, "bad") == [derived_id(command("bad", 2).event_id, 0)]
    assert world.rows("SELECT actor, action, cause_id FROM audit.entry WHERE chain_id = 'quarantine'") == [
        ("sue", "discard_record", first["quarantine_id"])
    ]


def test_without_its_service_a_record_waits_to_be_driven(world: RelayWorld) -> None:
    with world.running(**SMALL):
        world.send(command("bad", 1, comment="fail"))
        world.await_all()
    world.heal()

    report = drive(world, wait_s=0.3)
    with world.running(**SMALL):
        world.await_all()

    assert [record.state for record in report.waiting] == [QuarantineState.RETRYING]
    assert [row["state"] for row in world.quarantine()] == ["resolved"]


def test_metrics_tell_one_fate_of_each_record_and_what_is_open(world: RelayWorld) -> None:
    port = free_port()
    good = commands_for(referrals=3, each=4)
    with world.running(**SMALL, metrics_port=str(port)):
        world.send(*good, *good[:2], command("bad", 1, comment="fail"), command("bad", 2))
        world.send_raw(b"worse", b"no avro")
        world.await_all()
        eventually(lambda: figures(port).get(("baton_quarantine_open_records", None)) == 3, what="the open ones")
        found = figures(port)
        world.heal()
        drive(world, key=b"bad")
        eventually(lambda: figures(port).get(("baton_quarantine_open_records", None)) == 1, what="fewer open ones")

    fates = {fate: count for (name, fate), count in found.items() if name == "baton_records_total"}
    assert fates == {"applied": 12, "duplicate": 2, "quarantined": 2, "parked": 1}
    assert found["baton_produced_total", None] == 12


def figures(port: int) -> dict[tuple[str, str | None], float]:
    """Return the relay's metrics by name and disposition."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=120) as reply:
        families = text_string_to_metric_families(reply.read().decode())
    return {
        (sample.name, sample.labels.get("disposition")): sample.value
        for family in families
        for sample in family.samples
        if sample.labels.get("service") == "relay"
    }


def drive(world: RelayWorld, *, key: bytes | None = None, wait_s: float = 20) -> RetryReport:
    """Retry what is open, as the command does."""
    with world.connection() as connection:
        quarantines = Quarantines(connection)
        return Retry(quarantines, world.settings).run(quarantines.find(service="relay", key=key), wait_s=wait_s)


def discard(world: RelayWorld, quarantine_id: str, user: str) -> None:
    """Give a record up, as the command does."""
    with world.connection() as connection:
        Quarantines(connection).discard(quarantine_id, user=user, at=MONDAY)


def add_staff(world: RelayWorld) -> None:
    """Enter a supervisor and somebody of intake."""
    with world.connection() as connection:
        connection.execute("INSERT INTO directory.network VALUES ('riverside', 'Riverside')")
        connection.execute(
            "INSERT INTO directory.staff (user_id, network_id, name, role)"
            " VALUES ('sue', 'riverside', 'Sue', 'supervisor'), ('ivy', 'riverside', 'Ivy', 'intake')"
        )


def sequence_of(world: RelayWorld, key: str) -> Sequence[str]:
    """Return the ids of a referral's changes as they stand on the topic, whose sequence must be dense."""
    changes = [s.event for s in world.seen() if s.key == key]
    assert [event.sequence for event in changes] == list(range(1, len(changes) + 1))
    return [event.event_id for event in changes]
