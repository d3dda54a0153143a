"""The MLLP door: HL7 messages over a plain connection, each acknowledged when it is durable."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from runtime.clock import Clock
from runtime.metrics import SUBMISSIONS
from schemas.vocabulary import Channel
from services.intake.channels import hl7
from services.intake.channels.accept import Acceptor
from services.intake.channels.arrival import Sender
from services.intake.channels.arrivals import Handed, arrivals_of
from services.intake.channels.hl7 import Acknowledgement
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
            async for message in frames:
                await _send(writer, await self._answer(message, peer))
        except FrameTooLarge as error:
            await _send(writer, self._refusal(error.begin, RefusalCode.TOO_LARGE))
        except FrameUnfinished as error:
            await _send(writer, self._refusal(error.begin, RefusalCode.TOO_SLOW))
        except NoFrames:
            await _send(writer, self._refusal(b"", RefusalCode.NO_HEADER))

    async def _answer(self, message: bytes, peer: str) -> bytes:
        door = self._door
        try:
            sender = _sender(door.senders, peer)
            handed = Handed(channel=Channel.HL7, content=message, content_type=hl7.MEDIA_TYPE)
            arrivals = arrivals_of(handed, sender, now=door.clock.now())
            if not door.is_open():
                raise Refusal(RefusalCode.UNAVAILABLE)
            (accepted,) = await asyncio.wrap_future(door.acceptor.begin(arrivals))
        except Refusal as refusal:
            return self._refusal(message, refusal.code)
        text = f"referral {accepted.referral_id} submission {accepted.submission_id}"
        return hl7.acknowledge(
            Acknowledgement.ACCEPTED, control_id=_control_id(message), text=text, now=door.clock.now()
        )

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
