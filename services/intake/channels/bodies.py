"""Take request bodies into memory with a bound on each and on all of them together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect, Request

from services.intake.channels.limits import BODIES_IN_MEMORY
from services.intake.channels.refusal import Refusal, RefusalCode

READ_WITHIN_S = 60.0
LONGEST_LENGTH = 15


class Bodies:
    """Counts the bytes that requests hold; a body that finds no room is refused for now."""

    def __init__(self, room: int = BODIES_IN_MEMORY) -> None:
        self._room = room

    @asynccontextmanager
    async def taken(self, request: Request, *, largest: int) -> AsyncIterator[bytes]:
        """Read the body of a request and hold its room until the block ends.

        Raises:
            Refusal: too large, too slow, or no room for it now.
        """
        reserved = _announced(request, largest)
        if reserved > self._room:
            raise Refusal(RefusalCode.UNAVAILABLE)
        self._room -= reserved
        try:
            yield await _read(request, largest)
        finally:
            self._room += reserved


async def _read(request: Request, largest: int) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(READ_WITHIN_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > largest:
                    raise Refusal(RefusalCode.TOO_LARGE)
    except (TimeoutError, ClientDisconnect):
        raise Refusal(RefusalCode.TOO_SLOW) from None
    return bytes(body)


def _announced(request: Request, largest: int) -> int:
    told = request.headers.get("content-length", "")
    if not told.isdecimal() or len(told) > LONGEST_LENGTH:
        return largest
    if int(told) > largest:
        raise Refusal(RefusalCode.TOO_LARGE)
    return int(told)
