"""The courier on a real broker and database, with receivers on this machine."""

import json
import signal as signals
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from baton.sandbox import NotReady, Sandbox
from baton.stack.addresses import Addresses
from runtime.settings import Environment, ServiceSettings
from schemas.vocabulary import NoticeKind
from tests.support.notices import NOON, referral, requested, signal
from tests.support.receivers import Mailbox, Receiver, open_mailbox, open_receiver
from tests.support.sla_world import SlaWorld, sla_world

DESK = "desk@harbor.example"
EFFECTS = "SELECT count(*) FROM courier.effect WHERE state = %s"


@pytest.fixture
def world(stack: Addresses, tmp_path: Path) -> Iterator[SlaWorld]:
    infrastructure = ServiceSettings(
        kafka_bootstrap_servers=stack.kafka_bootstrap_servers,
        schema_registry_url=stack.schema_registry_url,
        database_url=stack.database_url,
        baton_environment=Environment.TEST,
    )
    with Sandbox(infrastructure, tmp_path, partitions=3) as sandbox, sla_world(sandbox) as world:
        yield world


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with open_mailbox() as mailbox:
        yield mailbox


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with open_receiver() as receiver:
        yield receiver


@pytest.fixture
def outbound(mailbox: Mailbox, receiver: Receiver) -> dict[str, str]:
    return {
        "COURIER_OUTBOUND": "allow",
        "COURIER_LEASE_S": "1",
        "SMTP_URL": f"smtp://127.0.0.1:{mailbox.port}",
        "SMTP_RECIPIENTS": json.dumps({"riverside.harbor.*": [DESK]}),
        "WEBHOOK_URL": receiver.url,
        "WEBHOOK_SECRET": "quiet",
    }


def notices(world: SlaWorld) -> int:
    return world.count("SELECT count(*) FROM courier.notice")


def keys(mailbox: Mailbox, receiver: Receiver) -> list[str]:
    return [
        *(str(mail["Idempotency-Key"]) for mail in mailbox.mails),
        *(h["Idempotency-Key"] for h, _ in receiver.calls),
    ]


def test_overlapping_and_repeated_notices_tell_each_signal_once(world: SlaWorld) -> None:
    world.sandbox.start("courier")
    world.publish([requested(1, 2), requested(2, 3), requested(1, 2), requested(3, 1)], at=NOON)
    world.publish([requested(1, 2, kind=NoticeKind.REMINDER), requested(9)], at=NOON)

    world.until(lambda: notices(world) == 4, what="four notices that tell something new")

    assert world.rows(
        "SELECT signal_ids, referral_ids FROM courier.notice WHERE notice_id = %s", requested(2, 3).event_id
    ) == [([signal(3)], [referral(3)])]
    assert world.count("SELECT count(*) FROM courier.told_signal") == 6
    assert world.count("SELECT count(*) FROM courier.effect") == 0


def test_nothing_leaves_without_permission(
    world: SlaWorld, mailbox: Mailbox, receiver: Receiver, outbound: dict[str, str]
) -> None:
    world.sandbox.start("courier", extra=outbound | {"COURIER_OUTBOUND": "forbid"})

    world.publish([requested(1)], at=NOON)
    world.until(lambda: notices(world) == 1, what="the notice")

    assert world.count("SELECT count(*) FROM courier.effect") == 0
    assert keys(mailbox, receiver) == []


def test_a_notice_leaves_once_by_each_way(
    world: SlaWorld, mailbox: Mailbox, receiver: Receiver, outbound: dict[str, str]
) -> None:
    world.sandbox.start("courier", extra=outbound)

    world.publish([requested(1, 2), requested(2, 1), requested(3)], at=NOON)
    world.until(lambda: world.count(EFFECTS, "sent") == 4, what="two mails and two calls")

    assert len(set(keys(mailbox, receiver))) == len(keys(mailbox, receiver)) == 4
    assert {str(mail["To"]) for mail in mailbox.mails} == {DESK}
    addresses = world.rows("SELECT DISTINCT address FROM courier.effect ORDER BY 1")
    assert addresses == [(DESK,), ("http://127.0.0.1",)]


def test_a_receiver_that_fails_is_tried_again_with_the_same_key(
    world: SlaWorld, receiver: Receiver, outbound: dict[str, str]
) -> None:
    receiver.status = 503
    world.sandbox.start("courier", extra={**outbound, "SMTP_URL": ""})
    world.publish([requested(1)], at=NOON)
    world.until(lambda: len(receiver.calls) >= 1, what="the first call")
    tried = "SELECT last_error FROM courier.effect WHERE state = 'pending' AND attempts = 1 AND last_error IS NOT NULL"
    world.until(lambda: world.rows(tried) == [("http_503",)], what="the recorded failure")

    receiver.status = 200
    world.until(lambda: world.count(EFFECTS, "sent") == 1, what="the second call")

    assert len(receiver.calls) == 2
    assert len({headers["Idempotency-Key"] for headers, _ in receiver.calls}) == 1


def test_a_refusal_is_final_and_written_down(world: SlaWorld, mailbox: Mailbox, outbound: dict[str, str]) -> None:
    mailbox.recipient_answer = "550 nobody here"
    world.sandbox.start("courier", extra={**outbound, "WEBHOOK_URL": ""})

    world.publish([requested(1)], at=NOON)
    world.until(lambda: world.count(EFFECTS, "failed") == 1, what="the refusal")

    assert world.rows("SELECT kind, detail FROM courier.automation_log") == [
        ("effect_not_sent", "mail: failed: smtp_550")
    ]


@pytest.mark.parametrize(("failpoint", "most"), [("courier.before_send", 1), ("courier.after_send", 2)])
def test_killed_around_a_send_it_goes_out_with_one_key_and_at_most_one_repeat(
    world: SlaWorld, receiver: Receiver, outbound: dict[str, str], failpoint: str, most: int
) -> None:
    only_webhook = {**outbound, "SMTP_URL": ""}
    world.publish([requested(1)], at=NOON)
    with suppress(NotReady):
        world.sandbox.start("courier", extra=only_webhook | {"FAILPOINT": failpoint})
    assert world.sandbox.process("courier").wait(120) == -signals.SIGKILL
    world.sandbox.stop("courier")

    world.sandbox.start("courier", extra=only_webhook)
    world.until(lambda: world.count(EFFECTS, "sent") == 1, what="the call")

    assert len(receiver.calls) == most
    assert len({headers["Idempotency-Key"] for headers, _ in receiver.calls}) == 1
