"""Receivers on this machine: a mail server and a webhook, each keeping what it gets."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

HOST = "127.0.0.1"


class Mailbox:
    """What an SMTP server got, and what it answers."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answer = "250 OK"
        self.recipient_answer = "250 OK"
        self.port = 0

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        """Accept or refuse a recipient."""
        if self.recipient_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient_answer

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """Keep a mail."""
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return self.answer


@contextmanager
def open_mailbox() -> Iterator[Mailbox]:
    """Run a mail server; its only right password is `right`."""
    mailbox = Mailbox()
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        mailbox.port = int(probe.getsockname()[1])
    controller = Controller(
        mailbox,
        hostname=HOST,
        port=mailbox.port,
        auth_require_tls=False,
        authenticator=lambda *call: AuthResult(success=call[4].password == b"right", handled=False),
    )
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


class Receiver(ThreadingHTTPServer):
    """A webhook, what it got and what it answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Handler)
        self.status = 200
        self.is_silent = False
        self.calls: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        """Its address, with something in it that must not be written down."""
        return f"http://{HOST}:{self.server_address[1]}/in?token=secret"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls.append((dict(self.headers.items()), body))
        if self.server.is_silent:
            threading.Event().wait(2)
            return
        self.send_response(self.server.status)
        self.send_header("Location", self.server.url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def open_receiver() -> Iterator[Receiver]:
    """Run a webhook."""
    with Receiver() as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        try:
            yield receiver
        finally:
            receiver.shutdown()
