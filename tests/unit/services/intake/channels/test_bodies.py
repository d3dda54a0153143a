"""A body is read no further than is taken, and gives its room back whatever happens."""

import asyncio

import pytest
from starlette.requests import Request
from starlette.types import Message

from services.intake.channels.bodies import Bodies
from services.intake.channels.refusal import Refusal, RefusalCode


class Sent:
    """A request whose body is counted as it is read."""

    def __init__(self, chunks: int, size: int, *, told: str | None = None, hangs_up: bool = False) -> None:
        self.read = 0
        self._chunks = chunks
        self._size = size
        self._hangs_up = hangs_up
        headers = [] if told is None else [(b"content-length", told.encode())]
        self.request = Request({"type": "http", "method": "POST", "headers": headers}, self._receive)

    async def _receive(self) -> Message:
        if self._hangs_up and self.read:
            return {"type": "http.disconnect"}
        self.read += 1
        return {"type": "http.request", "body": b"x" * self._size, "more_body": self.read < self._chunks}


def take(bodies: Bodies, sent: Sent, largest: int) -> bytes:
    async def run() -> bytes:
        async with bodies.taken(sent.request, largest=largest) as body:
            return body

    return asyncio.run(run())


def refusal_of(bodies: Bodies, sent: Sent, largest: int) -> RefusalCode:
    with pytest.raises(Refusal) as refusal:
        take(bodies, sent, largest)
    return refusal.value.code


def test_a_stream_is_read_until_it_is_too_large() -> None:
    sent = Sent(chunks=1_000_000, size=100)

    assert refusal_of(Bodies(), sent, 1_000) is RefusalCode.TOO_LARGE
    assert sent.read == 11


def test_an_announced_size_that_is_too_large_is_not_read_at_all() -> None:
    sent = Sent(chunks=1, size=10, told="1001")

    assert refusal_of(Bodies(), sent, 1_000) is RefusalCode.TOO_LARGE
    assert sent.read == 0


@pytest.mark.parametrize("told", ["x", "-1", "9" * 5_000, "", "1e9"])
def test_an_odd_announcement_is_none(told: str) -> None:
    assert take(Bodies(), Sent(chunks=2, size=5, told=told), 1_000) == b"x" * 10


def test_room_is_given_back_by_everyone() -> None:
    bodies = Bodies(room=1_000)
    for _ in range(5):
        assert take(bodies, Sent(chunks=1, size=1_000, told="1000"), 1_000) == b"x" * 1_000
        assert refusal_of(bodies, Sent(chunks=3, size=900), 1_000) is RefusalCode.TOO_LARGE
        assert refusal_of(bodies, Sent(chunks=3, size=10, hangs_up=True), 1_000) is RefusalCode.TOO_SLOW

    assert refusal_of(bodies, Sent(chunks=1, size=10), 1_001) is RefusalCode.UNAVAILABLE
