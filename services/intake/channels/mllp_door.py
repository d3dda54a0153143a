"""The MLLP door: HL7 messages over a plain connection, each acknowledged when it is durable."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from runtime.clock import Clock
from runtime.metrics import SUBMISSIONS
from schemas.vocabulary import Channel
from services.intake.channels import hl7
from services.intake.channels.accept import MOST_AT_ONCE, Accepted, Acceptor
from services.intake.channels.arrival import Arrival, Sender
from services.intake.channels.hl7 import Acknowledgement
from services.intake.channels.hl7_batch import answer_to, read_sent
from services.intake.channels.limits import LARGEST_HL7
from services.intake.channels.mllp_frames import AFTER_END, END, START, Frames, FrameTooLarge, FrameUnfinished, NoFrames
from services.intake.channels.refusal import Refusal, RefusalCode
from services.intake.channels.senders import KnownSenders, Senders

MOST_CONNECTIONS = 100
ANSWER_WITHIN_S = 10.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class MllpDoor:
    """What the door needs to accept."""

    acceptor: Acceptor
    senders: Senders
    clock: Clock
    is_open: Callable[[], bool]
    frame_s: float
    idle_s: float


class MllpServer:
    """Serves MLLP connections until it is closed."""

    def __init__(self, door: MllpDoor) -> None:
        self._door = door
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Begin to listen and return the port."""
        self._server = await asyncio.start_server(self._connected, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and end every connection; what is not acknowledged will be sent again."""
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._connections) >= MOST_CONNECTIONS:
            writer.close()
            return
        self._connections.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        except Exception as error:  # noqa: BLE001 - one connection must not end the door, nor be quoted in a log
            log.error("connection_failed", error=error)
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str((writer.get_extra_info("peername") or ("",))[0])
        frames = Frames(reader, largest=LARGEST_HL7, frame_s=self._door.frame_s, idle_s=self._door.idle_s)
        try:
            async for frame in frames:
                await _send(writer, await self._answer(frame, peer))
        except FrameTooLarge as error:
            await _send(writer, self._refusal(error.begin, RefusalCode.TOO_LARGE))
        except FrameUnfinished as error:
            await _send(writer, self._refusal(error.begin, RefusalCode.TOO_SLOW))
        except NoFrames:
            await _send(writer, self._refusal(b"", RefusalCode.NO_HEADER))

    async def _answer(self, frame: bytes, peer: str) -> bytes:
        try:
            sent = read_sent(frame)
        except Refusal as refusal:
            return self._refusal(frame, refusal.code)
        answers: list[bytes] = []
        # a few at a time, so that those of other connections come in between
        for start in range(0, len(sent.messages), MOST_AT_ONCE):
            answers += await self._answers(sent.messages[start : start + MOST_AT_ONCE], peer)
        return answer_to(sent, answers, now=self._door.clock.now())

    async def _answers(self, messages: Sequence[bytes], peer: str) -> list[bytes]:
        judged = [self._arrival(message, peer) for message in messages]
        arrivals = [arrival for arrival in judged if isinstance(arrival, Arrival)]
        try:
            kept = await asyncio.wrap_future(self._door.acceptor.begin(arrivals)) if arrivals else ()
        except Refusal as refusal:
            # none of them is known to be kept
            judged = [found if isinstance(found, RefusalCode) else refusal.code for found in judged]
            kept = ()
        accepted = iter(kept)
        return [
            self._refusal(message, found) if isinstance(found, RefusalCode) else self._accepted(message, next(accepted))
            for message, found in zip(messages, judged, strict=True)
        ]

    def _arrival(self, message: bytes, peer: str) -> Arrival | RefusalCode:
        door = self._door
        try:
            sender = _sender(door.senders, peer)
            if not message.strip():
                return RefusalCode.EMPTY
            arrival = hl7.hl7_arrival(sender, message, now=door.clock.now())
        except Refusal as refusal:
            return refusal.code
        return arrival if door.is_open() else RefusalCode.UNAVAILABLE

    def _accepted(self, message: bytes, accepted: Accepted) -> bytes:
        text = f"referral {accepted.referral_id} submission {accepted.submission_id}"
        control_id, now = _control_id(message), self._door.clock.now()
        return hl7.acknowledge(Acknowledgement.ACCEPTED, control_id=control_id, text=text, now=now)

    def _refusal(self, message: bytes, code: RefusalCode) -> bytes:
        SUBMISSIONS.labels(Channel.HL7, code).inc()
        is_passing = code in (RefusalCode.UNAVAILABLE, RefusalCode.TOO_SLOW)
        kind = Acknowledgement.REJECTED if is_passing else Acknowledgement.ERROR
        return hl7.acknowledge(kind, control_id=_control_id(message), text=code.value, now=self._door.clock.now())


def _sender(senders: Senders, peer: str) -> Sender:
    if isinstance(senders, KnownSenders):
        return senders.by_peer(Channel.HL7, peer)
    return senders.named(Channel.HL7, peer, network=None, clinic=None, source=None)


def _control_id(message: bytes) -> str | None:
    try:
        return hl7.read_header(message).control_id
    except Refusal:
        return None


async def _send(writer: asyncio.StreamWriter, answer: bytes) -> None:
    writer.write(START + answer + END + AFTER_END)
    async with asyncio.timeout(ANSWER_WITHIN_S):
        await writer.drain()
