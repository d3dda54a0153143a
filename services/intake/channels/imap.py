"""A folder of an IMAP server as the mailbox that is polled."""

import re
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from imap_tools import BaseMailBox, MailBox, MailBoxUnencrypted

from services.intake.channels.mailbox import Inbox, MailNotReadable
from services.intake.settings import ChannelSettings

TIMEOUT_S = 30.0
#: what was looked at and not taken is flagged for people, and is not looked at again
_WAITING = "UNSEEN UNFLAGGED"
_SIZE = re.compile(rb"RFC822\.SIZE (\d{1,12})")


class UnusableMailbox(Exception):
    """IMAP_URL must be imaps://HOST[:PORT][/FOLDER], or imap://... for a server without encryption."""


@dataclass(frozen=True, slots=True)
class ImapInbox:
    """A folder of an IMAP server."""

    mailbox: BaseMailBox

    def waiting(self) -> Sequence[str]:
        """Return the ids of the mails that were not taken yet."""
        return tuple(self.mailbox.uids(_WAITING))

    def size(self, uid: str) -> int:
        """Return the size of a mail.

        Raises:
            MailNotReadable: the server does not tell.
        """
        for answer in self._fetch(uid, "(RFC822.SIZE)"):
            if isinstance(answer, bytes) and (found := _SIZE.search(answer)):
                return int(found[1])
        raise MailNotReadable

    def content(self, uid: str) -> bytes:
        """Return a mail as it came, without marking it.

        Raises:
            MailNotReadable: the server does not hand it out.
        """
        for answer in self._fetch(uid, "(BODY.PEEK[])"):
            if isinstance(answer, tuple):
                return bytes(answer[1])
        raise MailNotReadable

    def mark(self, uid: str, flag: str) -> None:
        """Put a mark on a mail."""
        self.mailbox.flag(uid, flag, value=True)

    def _fetch(self, uid: str, what: str) -> Sequence[Any]:
        # the library's own fetch parses the whole mail, which foreign mail is not safe for
        status, answers = self.mailbox.client.uid("FETCH", uid, what)
        return answers if status == "OK" else ()


def inbox_opener(settings: ChannelSettings) -> Callable[[], AbstractContextManager[Inbox]]:
    """Return how to open the mailbox of the settings.

    Raises:
        UnusableMailbox: IMAP_URL names none.
    """
    url = urlsplit(settings.imap_url)
    try:
        port = url.port
    except ValueError:
        raise UnusableMailbox from None
    if url.scheme not in ("imap", "imaps") or not url.hostname:
        raise UnusableMailbox
    host, folder = url.hostname, unquote(url.path.strip("/")) or "INBOX"

    @contextmanager
    def opened() -> Iterator[Inbox]:
        password = settings.imap_password.get_secret_value()
        with _connect(host, port, is_encrypted=url.scheme == "imaps") as mailbox:
            yield ImapInbox(mailbox.login(settings.imap_user, password, folder))

    return opened


def _connect(host: str, port: int | None, *, is_encrypted: bool) -> BaseMailBox:
    if is_encrypted:
        # the library's default does not look at the server's certificate
        return MailBox(host, port or 993, TIMEOUT_S, ssl_context=ssl.create_default_context())
    return MailBoxUnencrypted(host, port or 143, TIMEOUT_S)
