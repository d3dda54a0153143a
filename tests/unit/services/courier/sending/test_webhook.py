import json
from collections.abc import Iterator

import pytest

from services.courier.rules.effects import Outcome, Transport, Verdict
from services.courier.sending.webhook import WebhookSender, address_of, signature_of
from tests.support.notices import effect
from tests.support.receivers import Receiver, open_receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with open_receiver() as receiver:
        yield receiver


def send(receiver: Receiver, *, secret: str | None = None) -> Outcome:
    sender = WebhookSender(receiver.url, secret=secret, board_link="https://board.example", timeout_s=0.5)
    return sender.send(effect(Transport.WEBHOOK, address_of(receiver.url)))


def test_a_call_carries_ids_its_key_and_its_signature(receiver: Receiver) -> None:
    outcome = send(receiver, secret="quiet")

    ((headers, body),) = receiver.calls
    content = json.loads(body)
    assert outcome.verdict is Verdict.SENT
    assert headers["Idempotency-Key"] == content["effect_id"]
    assert headers["Baton-Signature"] == signature_of(body, "quiet")
    assert content["queue"] == "riverside.harbor.scheduling"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (503, Outcome(Verdict.LATER, "http_503")),
        (429, Outcome(Verdict.LATER, "http_429")),
        (404, Outcome(Verdict.NEVER, "http_404")),
        (302, Outcome(Verdict.NEVER, "http_302")),
    ],
)
def test_an_answer_tells_whether_to_try_again(receiver: Receiver, status: int, outcome: Outcome) -> None:
    receiver.status = status

    assert send(receiver) == outcome
    assert len(receiver.calls) == 1


def test_a_receiver_that_is_silent_or_away_is_called_later(receiver: Receiver) -> None:
    receiver.is_silent = True
    silent = send(receiver)
    receiver.server_close()
    away = WebhookSender("http://127.0.0.1:9", secret=None, board_link="", timeout_s=0.5)

    assert silent == Outcome(Verdict.LATER, "timeout")
    assert away.send(effect(Transport.WEBHOOK, "http://127.0.0.1")) == Outcome(Verdict.LATER, "connection")


def test_only_the_harmless_part_of_the_address_is_written_down(receiver: Receiver) -> None:
    assert address_of(receiver.url) == "http://127.0.0.1"
