import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from services.courier.rules.effects import Outcome, Transport, Verdict
from services.courier.sending.mail import MailSender, MailServer, server_of
from tests.support.notices import NOON, effect

DESK = "desk@harbor.example"


class Mailbox:
    """An SMTP server on this machine that keeps what it gets."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answer = "250 OK"
        self.recipient_answer = "250 OK"

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if self.recipient_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient_answer

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return self.answer


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def port(mailbox: Mailbox) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = int(probe.getsockname()[1])
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=number,
        auth_require_tls=False,
        authenticator=lambda *call: AuthResult(success=call[4].password == b"right", handled=False),
    )
    controller.start()
    yield number
    controller.stop()


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
