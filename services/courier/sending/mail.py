"""Send one effect as a mail over SMTP."""

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from services.courier.rules.effects import Outcome, Verdict
from services.courier.rules.wording import SUBJECT, Effect, mail_text

PERMANENT = 500
MESSAGE_ID_DOMAIN = "baton.invalid"


class TlsRequired(Exception):
    """The mail server offers no TLS, and a password is not sent in the clear."""


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """A mail server and how to get in."""

    host: str
    port: int
    is_tls_from_start: bool
    user: str | None
    password: str | None

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def server_of(url: str) -> MailServer:
    """Return the mail server of an address such as smtp://user:password@host:587."""
    parts = urlsplit(url)
    is_tls = parts.scheme == "smtps"
    return MailServer(
        host=parts.hostname or "",
        port=parts.port or (465 if is_tls else 587 if parts.username else 25),
        is_tls_from_start=is_tls,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


class MailSender:
    """Sends mails from one address through one server."""

    def __init__(
        self, server: MailServer, *, sender: str, board_link: str, timeout_s: float, now: Callable[[], datetime]
    ) -> None:
        self._server = server
        self._sender = sender
        self._board_link = board_link
        self._timeout_s = timeout_s
        self._now = now

    def send(self, effect: Effect) -> Outcome:
        """Send a mail; the same effect has the same Message-ID each time."""
        try:
            with self._connect() as smtp:
                self._secure(smtp)
                smtp.send_message(self._message(effect))
        except smtplib.SMTPAuthenticationError:
            return Outcome(Verdict.LATER, "smtp_login")
        except smtplib.SMTPRecipientsRefused as error:
            return _refused(max(code for code, _ in error.recipients.values()))
        except smtplib.SMTPResponseException as error:
            return _refused(error.smtp_code)
        except TlsRequired:
            return Outcome(Verdict.LATER, "tls_required")
        except TimeoutError:
            return Outcome(Verdict.LATER, "timeout")
        except (smtplib.SMTPException, OSError):
            return Outcome(Verdict.LATER, "connection")
        return Outcome(Verdict.SENT)

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        if server.is_tls_from_start:
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(server.host, server.port, timeout=self._timeout_s, context=context)
        return smtplib.SMTP(server.host, server.port, timeout=self._timeout_s)

    def _secure(self, smtp: smtplib.SMTP) -> None:
        server = self._server
        smtp.ehlo_or_helo_if_needed()
        is_secure = server.is_tls_from_start
        if not is_secure and smtp.has_extn("starttls"):
            smtp.starttls(context=ssl.create_default_context())
            is_secure = True
        if server.user is None:
            return
        if not is_secure and not server.is_loopback:
            raise TlsRequired
        smtp.login(server.user, server.password or "")

    def _message(self, effect: Effect) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = effect.address
        message["Subject"] = SUBJECT
        message["Date"] = format_datetime(self._now())
        message["Message-ID"] = f"<{effect.effect_id}@{MESSAGE_ID_DOMAIN}>"
        message["Idempotency-Key"] = effect.effect_id
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail_text(effect, board_link=self._board_link))
        return message


def _refused(code: int) -> Outcome:
    return Outcome(Verdict.NEVER if code >= PERMANENT else Verdict.LATER, f"smtp_{code}")
