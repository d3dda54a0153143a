import socket
from collections.abc import Iterator
from typing import Any

import pytest

from services.courier.rules.effects import Outcome, Transport, Verdict
from services.courier.sending.mail import MailSender, MailServer, server_of
from tests.support.notices import NOON, effect
from tests.support.receivers import Mailbox, open_mailbox

DESK = "desk@harbor.example"


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with open_mailbox() as mailbox:
        yield mailbox


@pytest.fixture
def port(mailbox: Mailbox) -> int:
    return mailbox.port


def send(url: str, **server: Any) -> Outcome:
    sender = MailSender(
        MailServer(**{**vars(server_of(url)), **server}),
        sender="baton@harbor.example",
        board_link="https://board.example",
        timeout_s=2,
        now=lambda: NOON,
    )
    return sender.send(effect(Transport.MAIL, DESK))


def test_a_mail_arrives_with_a_key_that_stays_the_same(mailbox: Mailbox, port: int) -> None:
    outcomes = [send(f"smtp://127.0.0.1:{port}") for _ in range(2)]

    first, again = mailbox.mails
    assert [o.verdict for o in outcomes] == [Verdict.SENT, Verdict.SENT]
    assert (first["To"], first["Subject"]) == (DESK, "A referral needs attention")
    assert first["Message-ID"] == again["Message-ID"] == f"<{first['Idempotency-Key']}@baton.invalid>"
    assert first.get_content().splitlines()[-1] == "https://board.example/queues/riverside.harbor.scheduling"


def test_a_busy_server_is_asked_again_and_a_refusal_is_final(mailbox: Mailbox, port: int) -> None:
    mailbox.answer = "451 busy"
    busy = send(f"smtp://127.0.0.1:{port}")
    mailbox.recipient_answer = "550 nobody here"
    refused = send(f"smtp://127.0.0.1:{port}")

    assert busy == Outcome(Verdict.LATER, "smtp_451")
    assert refused == Outcome(Verdict.NEVER, "smtp_550")


def test_a_password_is_used_and_a_wrong_one_can_be_put_right(mailbox: Mailbox, port: int) -> None:
    assert send(f"smtp://baton:right@127.0.0.1:{port}").verdict is Verdict.SENT
    assert send(f"smtp://baton:wrong@127.0.0.1:{port}") == Outcome(Verdict.LATER, "smtp_login")


def test_a_password_does_not_go_in_the_clear_over_a_network(mailbox: Mailbox, port: int) -> None:
    class Elsewhere(MailServer):
        @property
        def is_loopback(self) -> bool:
            return False

    server = Elsewhere(**vars(server_of(f"smtp://baton:right@127.0.0.1:{port}")))
    sender = MailSender(server, sender="b@h.example", board_link="", timeout_s=2, now=lambda: NOON)

    assert sender.send(effect(Transport.MAIL, DESK)) == Outcome(Verdict.LATER, "tls_required")
    assert mailbox.mails == []


def test_a_server_that_is_away_or_silent_is_tried_later() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        number = silent.getsockname()[1]
        away = send(f"smtp://127.0.0.1:{number}")
        silent.listen()
        hanging = send(f"smtp://127.0.0.1:{number}")

    assert away == Outcome(Verdict.LATER, "connection")
    assert hanging.verdict is Verdict.LATER


def test_ports_follow_from_the_address() -> None:
    urls = ("smtp://mail.example", "smtp://u:p%40@mail.example", "smtps://mail.example", "smtp://mail.example:2525")

    assert [server_of(url).port for url in urls] == [25, 587, 465, 2525]
    assert server_of(urls[1]).password == "p@"
