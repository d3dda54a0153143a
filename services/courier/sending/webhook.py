"""Send one effect as a call of a webhook."""

import hashlib
import hmac
from urllib.parse import urlsplit

import httpx
import orjson

from services.courier.rules.effects import Outcome, Verdict
from services.courier.rules.wording import Effect, webhook_body

#: answers that mean "try again": timeout, too early, too many
TRY_AGAIN = frozenset({408, 425, 429})
SIGNATURE_HEADER = "Baton-Signature"


class WebhookSender:
    """Calls one address."""

    def __init__(self, url: str, *, secret: str | None, board_link: str, timeout_s: float) -> None:
        self._url = url
        self._secret = secret
        self._board_link = board_link
        # environment proxies are not asked: what may be reached is what is configured
        self._client = httpx.Client(timeout=timeout_s, follow_redirects=False, trust_env=False)

    def send(self, effect: Effect) -> Outcome:
        """Call the webhook; the same effect has the same Idempotency-Key each time."""
        body = orjson.dumps(webhook_body(effect, board_link=self._board_link))
        headers = {"Content-Type": "application/json", "Idempotency-Key": effect.effect_id, "User-Agent": "baton"}
        if self._secret is not None:
            headers[SIGNATURE_HEADER] = signature_of(body, self._secret)
        try:
            # the answer's body is of no interest, so it is not read
            with self._client.stream("POST", self._url, content=body, headers=headers) as answer:
                return _judge(answer.status_code)
        except httpx.TimeoutException:
            return Outcome(Verdict.LATER, "timeout")
        except httpx.HTTPError:
            return Outcome(Verdict.LATER, "connection")


def signature_of(body: bytes, secret: str) -> str:
    """Return the signature by which a receiver knows that a body is Baton's."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def address_of(url: str) -> str:
    """Return the part of a webhook's address that may be written down; path and query may hold a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}"


def _judge(status: int) -> Outcome:
    if httpx.codes.is_success(status):
        return Outcome(Verdict.SENT)
    if httpx.codes.is_server_error(status) or status in TRY_AGAIN:
        return Outcome(Verdict.LATER, f"http_{status}")
    return Outcome(Verdict.NEVER, f"http_{status}")
