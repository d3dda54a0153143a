"""Cut the byte stream of an MLLP connection into messages, without waiting for ever or holding without bound."""

import asyncio
from collections.abc import AsyncIterator

START, END, AFTER_END = b"\x0b", b"\x1c", b"\r"
CHUNK = 65_536


class FrameTooLarge(Exception):
    """A frame is larger than is taken; what came of it so far is in `begin`."""

    def __init__(self, begin: bytes) -> None:
        super().__init__()
        self.begin = begin


class FrameUnfinished(Exception):
    """A frame began and did not end in time; what came of it so far is in `begin`."""

    def __init__(self, begin: bytes) -> None:
        super().__init__()
        self.begin = begin


class NoFrames(Exception):
    """What comes over the connection is not MLLP."""


#: between the frames: belongs to no message, whatever a sender's program puts there
_BLANK = bytes(range(0x21))


class Frames:
    """The messages of one connection."""

    def __init__(self, reader: asyncio.StreamReader, *, largest: int, frame_s: float, idle_s: float) -> None:
        self._reader = reader
        self._largest = largest
        self._frame_s = frame_s
        self._idle_s = idle_s
        self._buffer = bytearray()
        self._had_frame = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield each message as soon as it is complete; end when the sender hangs up or falls silent.

        Raises:
            FrameTooLarge: a frame is beyond the limit.
            FrameUnfinished: a frame is not completed in time, or never, or its begin is missing.
            NoFrames: there is something else before the first frame.
        """
        while await self._begins():
            yield await self._message()
            self._had_frame = True

    async def _begins(self) -> bool:
        try:
            async with asyncio.timeout(self._idle_s):
                while not self._drop_gap():
                    if not await self._more():
                        return False
        except TimeoutError:
            return False
        return True

    def _drop_gap(self) -> bool:
        start = self._buffer.find(START)
        gap = bytes(self._buffer[:start] if start >= 0 else self._buffer)
        if gap.strip(_BLANK):
            self._judge(gap)
        del self._buffer[: len(gap)]
        return start >= 0

    def _judge(self, gap: bytes) -> None:
        if not self._had_frame:
            raise NoFrames
        if END in gap or len(gap) > CHUNK:
            # the end of a message whose begin got lost: nobody has it, and its sender should know
            raise FrameUnfinished(gap)

    async def _message(self) -> bytes:
        searched = 0
        try:
            async with asyncio.timeout(self._frame_s):
                while (end := self._buffer.find(END, searched)) < 0:
                    searched = len(self._buffer)
                    if searched > self._largest:
                        raise FrameTooLarge(bytes(self._buffer[1:]))
                    if not await self._more():
                        raise FrameUnfinished(bytes(self._buffer[1:]))
        except TimeoutError:
            raise FrameUnfinished(bytes(self._buffer[1:])) from None
        message = bytes(self._buffer[1:end])
        if len(message) > self._largest:
            raise FrameTooLarge(message)
        del self._buffer[: end + 1]
        return message

    async def _more(self) -> bool:
        chunk = await self._reader.read(CHUNK)
        self._buffer += chunk
        return bool(chunk)
