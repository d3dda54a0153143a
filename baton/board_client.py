"""Ask the board's API from the terminal; light, so that an answer takes no second."""

import contextlib
import http.client
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from baton.refusal import NoStackRuns, Refused
from baton.secret_files import secrets_of

TIMEOUT_S = 10.0
NOT_FOUND = 404
UNAUTHORIZED = 401
UNUSABLE = 422


class NotThere(Refused):
    """The board knows nothing of this id, or not for this person."""


@dataclass(frozen=True)
class Reply:
    """What the board answered."""

    status: int
    body: Any


@dataclass(frozen=True)
class BoardClient:
    """The board as one person sees it."""

    url: str
    user_id: str
    #: what a trusted proxy would send; only where the board asks for it
    proof: str = ""

    def get(self, *words: str) -> Any:
        """Return what stands at an address.

        Raises:
            NotThere: there is nothing.
            Refused: the board refuses or does not answer.
        """
        return self._checked(self._send("GET", words, None, TIMEOUT_S)).body

    def post(self, *words: str, body: Mapping[str, object], wait_s: float = 0.0) -> Reply:
        """Send a document, and wait so long for what comes of it; a conflict is an answer.

        Raises:
            NotThere: there is nothing at the address.
            Refused: the board refuses or does not answer.
        """
        return self._checked(self._send("POST", words, body, TIMEOUT_S + wait_s, wait_s=wait_s))

    def _send(
        self, method: str, words: tuple[str, ...], body: object, timeout_s: float, *, wait_s: float = 0.0
    ) -> Reply:
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=timeout_s)
        path = parts.path.rstrip("/") + "/api/" + "/".join(quote(word, safe="") for word in words)
        path += f"?wait_s={wait_s}" if wait_s else ""
        headers = {"X-Baton-User": self.user_id, "Content-Type": "application/json"}
        if self.proof:
            headers["X-Baton-Proxy"] = self.proof
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return Reply(answer.status, json.loads(answer.read() or b"null"))
        except (OSError, http.client.HTTPException, ValueError):
            raise Refused(f"the board at {parts.netloc} does not answer") from None
        finally:
            connection.close()

    def _checked(self, reply: Reply) -> Reply:
        if reply.status == NOT_FOUND:
            raise NotThere("no referral found")
        if reply.status == UNAUTHORIZED:
            raise Refused(f"the board does not let {self.user_id} in: not in the directory, or not vouched for")
        if reply.status >= 500 or reply.status in (400, 403, UNUSABLE):
            raise Refused(_explain(reply))
        return reply


def board_for(user_id: str) -> BoardClient:
    """Return the board that BOARD_URL names, else that of the stack that runs here.

    Raises:
        Refused: there is neither.
    """
    known = {**secrets_of(os.environ), **os.environ}
    return BoardClient(_board_url(), user_id, proof=known.get("BOARD_TRUSTED_PROXY", ""))


def _board_url() -> str:
    if url := os.environ.get("BOARD_URL"):
        return url
    from baton.stack.lock import holder
    from baton.stack.paths import home_from

    home = home_from(os.environ)
    # what the state says outlives the stack
    if holder(home.lock) is not None:
        with contextlib.suppress(OSError, ValueError, KeyError):
            return str(json.loads(home.state.read_text())["addresses"]["board_url"])
    raise NoStackRuns(home.root)


def _explain(reply: Reply) -> str:
    detail = reply.body.get("detail", "") if isinstance(reply.body, dict) else ""
    problems = reply.body.get("problems", []) if isinstance(reply.body, dict) else []
    fields = ", ".join(f"{p['field'].removeprefix('body.')} ({p['problem']})" for p in problems)
    return " ".join(part for part in (detail, fields) if part) or f"the board answered {reply.status}"
