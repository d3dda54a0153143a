"""Encode what an event caused into records that carry its trace on."""

import hashlib
import re
from collections.abc import Sequence

from runtime.delivery import Delivery, Output
from schemas.codec import Codec, cloudevents_headers
from schemas.event import Event
from schemas.topics import key_of

NUL = "\x00"
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class UnusableKey(ValueError):
    """An output's key is empty, or holds what no table keeps."""


class OutputEncoder:
    """Encodes the events that one service causes."""

    def __init__(self, codec: Codec, *, source: str) -> None:
        self._codec = codec
        self._source = source

    def encode(self, events: Sequence[Event], cause: Delivery) -> list[Output]:
        """Return the records of events caused by a delivery; the same input gives the same bytes.

        Raises:
            UnusableKey, TooLarge: an event is nothing that a topic takes.
        """
        return [self._encode_one(event, cause) for event in events]

    def _encode_one(self, event: Event, cause: Delivery) -> Output:
        event_id = str(event.event_id)  # type: ignore[attr-defined]  # every event on a topic has one
        headers = cloudevents_headers(
            event,
            source=self._source,
            at=cause.recorded_at,
            traceparent=continued_trace(cause.traceparent, cause_id=cause.event_id, event_id=event_id),
        )
        key = key_of(event)
        if not key or NUL in key:
            raise UnusableKey
        return Output(topic=event.schema_name, key=key, value=self._codec.encode(event), headers=tuple(headers))


def continued_trace(traceparent: str | None, *, cause_id: str, event_id: str) -> str:
    """Return the W3C traceparent of an output: the cause's trace, or one that follows from the cause's id."""
    found = _TRACEPARENT.fullmatch(traceparent or "")
    trace_id = found[1] if found is not None else _hex(cause_id, 16)
    return f"00-{trace_id}-{_hex(event_id, 8)}-01"


def _hex(text: str, size: int) -> str:
    return hashlib.blake2b(text.encode(), digest_size=size).hexdigest()
