"""The board as a member of staff asks it."""

import threading
import uuid
from collections.abc import Mapping
from typing import Any

import httpx

WAIT_S = 2
#: what a board that is away, or something else in its place, makes of a request
BOARD_AWAY = (httpx.HTTPError, KeyError, TypeError, ValueError)


class Board:
    """Asks for a person, and counts what became of the wishes."""

    def __init__(self, url: str, *, proof: str = "") -> None:
        #: what a board behind a proxy wants to see
        vouched = {"X-Baton-Proxy": proof} if proof else {}
        self._client = httpx.Client(base_url=url, timeout=10.0, headers=vouched)
        self._counting = threading.Lock()
        self.done = 0
        self.refused = 0

    def close(self) -> None:
        """Give the connections to the board up."""
        self._client.close()

    def get(self, user: str, path: str, **params: str | int) -> Any:
        """Return what the board answers.

        Raises:
            httpx.HTTPError: it is away, or does not answer this.
        """
        reply = self._client.get(path, params=params, headers=_as(user))
        reply.raise_for_status()
        return reply.json()

    def wish(self, user: str, path: str, wish: Mapping[str, object]) -> None:
        """Ask for a change and wait for its end; each wish is a new one, so that none gets the answer of an old one.

        Raises:
            httpx.HTTPError: the board is away.
        """
        body = {**wish, "command_id": str(uuid.uuid4())}
        reply = self._client.post(path, json=body, params={"wait_s": WAIT_S}, headers=_as(user))
        if reply.is_server_error:
            reply.raise_for_status()
        with self._counting:
            self.done += reply.is_success
            self.refused += reply.is_client_error


def _as(user: str) -> dict[str, str]:
    return {"X-Baton-User": user}
