"""A mail server that speaks as much IMAP as the mailbox poller needs."""

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

USER, PASSWORD = "intake", "pass word"
_COMMAND = re.compile(r"(\S+) (UID )?(\S+) ?(.*)")


@dataclass
class StoredMail:
    """A mail on the server."""

    content: bytes
    flags: set[str] = field(default_factory=set)
    told_size: int | None = None
    is_withheld: bool = False

    @property
    def size(self) -> int:
        """What the server says of its size."""
        return len(self.content) if self.told_size is None else self.told_size


@dataclass
class MailServer:
    """The one folder of the server, by uid."""

    mails: dict[int, StoredMail]
    port: int = 0
    fetched: list[int] = field(default_factory=list)
    failed_logins: int = 0


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self._tell("* OK ready")
        while line := self.rfile.readline(65_536):
            found = _COMMAND.fullmatch(line.decode("latin-1").strip())
            assert found is not None
            tag, _, name, rest = found.groups()
            status = getattr(self, f"_{name.lower()}")(rest)
            self._tell(f"{tag} {status} done")
            if name.upper() == "LOGOUT":
                return

    @property
    def _folder(self) -> MailServer:
        folder: MailServer = self.server.folder  # type: ignore[attr-defined]  # set where the server is made
        return folder

    def _tell(self, line: str) -> None:
        self.wfile.write(line.encode("latin-1") + b"\r\n")

    def _capability(self, _rest: str) -> str:
        self._tell("* CAPABILITY IMAP4rev1")
        return "OK"

    def _login(self, rest: str) -> str:
        if rest == f'"{USER}" "{PASSWORD}"':
            return "OK"
        self._folder.failed_logins += 1
        return "NO"

    def _select(self, rest: str) -> str:
        self._tell(f"* {len(self._folder.mails)} EXISTS")
        return "OK" if rest.strip('"') == "INBOX/Referrals" else "NO"

    def _search(self, rest: str) -> str:
        assert rest.endswith("UNSEEN UNFLAGGED")
        waiting = [uid for uid, mail in self._folder.mails.items() if not mail.flags & {"\\Seen", "\\Flagged"}]
        self._tell(f"* SEARCH {' '.join(map(str, waiting))}".rstrip())
        return "OK"

    def _fetch(self, rest: str) -> str:
        uid_text, _, what = rest.partition(" ")
        uid = int(uid_text)
        mail = self._folder.mails[uid]
        if what == "(RFC822.SIZE)":
            self._tell(f"* {uid} FETCH (UID {uid} RFC822.SIZE {mail.size})")
        elif not mail.is_withheld:
            assert what == "(BODY.PEEK[])"
            self._folder.fetched.append(uid)
            self._tell(f"* {uid} FETCH (UID {uid} BODY[] {{{len(mail.content)}}}")
            self.wfile.write(mail.content + b")\r\n")
        return "OK"

    def _store(self, rest: str) -> str:
        uid, _, flags = rest.split(" ", 2)
        self._folder.mails[int(uid)].flags |= set(flags.strip("()").split())
        return "OK"

    def _expunge(self, _rest: str) -> str:
        return "OK"

    def _logout(self, _rest: str) -> str:
        self._tell("* BYE")
        return "OK"


@contextmanager
def mail_server(*contents: bytes) -> Iterator[MailServer]:
    """Run a server that holds these mails for the time of the block."""
    folder = MailServer({uid: StoredMail(content) for uid, content in enumerate(contents, start=1)})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Session) as server:
        server.daemon_threads = True
        server.folder = folder  # type: ignore[attr-defined]  # handlers know their server only
        folder.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield folder
        finally:
            server.shutdown()
            thread.join()
