"""The polled mailbox: each unseen mail is accepted, and only then marked as seen."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import structlog

from runtime.clock import Clock
from runtime.failpoints import failpoint
from runtime.metrics import SUBMISSIONS
from runtime.stopping import StopRequest
from schemas.vocabulary import Channel
from services.intake.channels.accept import Acceptor
from services.intake.channels.arrival import Sender
from services.intake.channels.limits import LARGEST_MAIL
from services.intake.channels.mail import mail_arrival
from services.intake.channels.refusal import Refusal, RefusalCode

SEEN, FLAGGED = "\\Seen", "\\Flagged"

log = structlog.get_logger()


class Inbox(Protocol):
    """What the poller needs of a mailbox."""

    def waiting(self) -> Sequence[str]:
        """Return the ids of the mails that were not taken yet."""

    def size(self, uid: str) -> int:
        """Return the size of a mail.

        Raises:
            MailNotReadable: the server does not tell.
        """

    def content(self, uid: str) -> bytes:
        """Return a mail as it came, without marking it.

        Raises:
            MailNotReadable: the server does not hand it out.
        """

    def mark(self, uid: str, flag: str) -> None:
        """Put a mark on a mail."""


class MailNotReadable(Exception):
    """The server has this mail and does not hand it out."""


class MailboxPoller:
    """Takes the mails of one mailbox."""

    def __init__(
        self,
        open_inbox: Callable[[], AbstractContextManager[Inbox]],
        acceptor: Acceptor,
        clock: Clock,
        *,
        channel: Channel,
        sender: Sender,
        is_open: Callable[[], bool] = lambda: True,
    ) -> None:
        self._open_inbox = open_inbox
        self._acceptor = acceptor
        self._clock = clock
        self._channel = channel
        self._sender = sender
        self._is_open = is_open

    def watch(self, stop: StopRequest, every_s: float) -> None:
        """Look again and again until told to stop; a mailbox that can not be reached is tried again."""
        while not stop.wait(every_s):
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 - servers fail in many ways, and a failure may quote a mail
                log.warning("mailbox_not_read", error=error)

    def look(self) -> None:
        """Take what waits in the mailbox."""
        if not self._is_open():
            return
        with self._open_inbox() as inbox:
            for uid in inbox.waiting():
                if not self._take(inbox, uid):
                    return

    def _take(self, inbox: Inbox, uid: str) -> bool:
        try:
            if inbox.size(uid) > LARGEST_MAIL:
                raise Refusal(RefusalCode.TOO_LARGE)
            content = inbox.content(uid)
            arrival = mail_arrival(self._sender, self._channel, content, now=self._clock.now())
            (accepted,) = self._acceptor.accept([arrival])
        except MailNotReadable:
            log.error("mail_not_readable")
            inbox.mark(uid, FLAGGED)
        except Refusal as refusal:
            if refusal.code is RefusalCode.UNAVAILABLE:
                return False
            SUBMISSIONS.labels(self._channel, refusal.code).inc()
            log.warning("mail_refused", reason=refusal.code)
            inbox.mark(uid, FLAGGED)
        else:
            failpoint("channels.before_seen")
            inbox.mark(uid, SEEN)
            log.info("mail_taken", referral_id=accepted.referral_id)
        return True
