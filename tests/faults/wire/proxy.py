"""A relay of one port to another; what happens to messages is decided by the conversation of each connection."""

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Protocol

HOST = "127.0.0.1"
#: reads exactly so many bytes of one side
Read = Callable[[int], Awaitable[bytes]]
NO_LINGER = struct.pack("ii", 1, 0)


class Closed(Exception):
    """One side of a connection is gone, or was let go."""


class Side:
    """One end of a relayed connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self, count: int) -> bytes:
        """Return exactly so many bytes.

        Raises:
            Closed: the side is gone.
        """
        try:
            return await self._reader.readexactly(count)
        except (asyncio.IncompleteReadError, OSError):
            raise Closed from None

    async def write(self, data: bytes) -> None:
        """Send bytes on.

        Raises:
            Closed: the side is gone.
        """
        try:
            self._writer.write(data)
            await self._writer.drain()
        except (OSError, RuntimeError):
            raise Closed from None

    def reset(self) -> None:
        """Close as a broken network does: without goodbye."""
        raw: socket.socket | None = self._writer.get_extra_info("socket")
        if raw is not None and raw.fileno() >= 0:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self._writer.transport.abort()


class Network:
    """What is wrong with the network as a whole; shared by all connections of a proxy."""

    def __init__(self) -> None:
        self.latency_s = 0.0
        self._flows = asyncio.Event()
        self._flows.set()

    async def carry(self, data: bytes, to: Side) -> None:
        """Bring bytes to a side, as slowly as the network is, or not before it works again.

        Raises:
            Closed: the side is gone.
        """
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        await self._flows.wait()
        await to.write(data)

    def swallow(self, *, is_on: bool) -> None:
        """Carry nothing any more and tell nobody, or carry again."""
        (self._flows.clear if is_on else self._flows.set)()


class Wire:
    """One relayed connection."""

    def __init__(self, client: Side, server: Side, network: Network) -> None:
        self.client, self.server = client, server
        self._network = network
        #: the server's side lives on after the client is gone, because somebody has still to say something on it
        self.keeps_server = False

    async def to_server(self, data: bytes) -> None:
        """Carry bytes on to the server."""
        await self._network.carry(data, self.server)

    async def to_client(self, data: bytes) -> None:
        """Carry bytes back to the client."""
        await self._network.carry(data, self.client)


class Conversation(Protocol):
    """What a protocol does with the messages of one connection; either side ends it by raising Closed."""

    async def listen_to_client(self, wire: Wire) -> None:
        """Take messages of the client for as long as there are any."""

    async def listen_to_server(self, wire: Wire) -> None:
        """Take messages of the server for as long as there are any."""


class Proxy:
    """Listens on a port and relays every connection to another; runs in a thread of its own."""

    def __init__(self, *, listen: int, target: int, converse: Callable[[], Conversation]) -> None:
        self._listen, self._target, self._converse = listen, target, converse
        self._loop = asyncio.new_event_loop()
        self._wires: set[Wire] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy-{listen}", daemon=True)
        self._network = Network()

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(10)

    def stop(self) -> None:
        """Break every connection and end."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def reset_all(self) -> None:
        """Break every connection."""

        def reset() -> None:
            for wire in list(self._wires):
                wire.client.reset()
                wire.server.reset()

        self._loop.call_soon_threadsafe(reset)

    def slow_down(self, latency_s: float) -> None:
        """Make every message late."""
        self._network.latency_s = latency_s

    def swallow(self, *, is_on: bool) -> None:
        """Let nothing through and tell nobody, or let it flow again."""
        self._loop.call_soon_threadsafe(lambda: self._network.swallow(is_on=is_on))

    async def _serve(self) -> None:
        self._server = await asyncio.start_server(self._accept, HOST, self._listen)

    async def _close(self) -> None:
        self._server.close()
        for wire in list(self._wires):
            wire.client.reset()
            wire.server.reset()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # transports close in the turn after the one in which they were told to
        await asyncio.sleep(0.05)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Side(reader, writer)
        try:
            server = Side(*await asyncio.open_connection(HOST, self._target))
        except OSError:
            client.reset()
            return
        wire, conversation = Wire(client, server, self._network), self._converse()
        self._wires.add(wire)
        sides = [
            asyncio.create_task(_until_closed(listen(wire)))
            for listen in (conversation.listen_to_client, conversation.listen_to_server)
        ]
        try:
            await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for side in sides:
                side.cancel()
            self._wires.discard(wire)
            client.reset()
            if not wire.keeps_server:
                server.reset()


async def _until_closed(listening: Coroutine[None, None, None]) -> None:
    try:
        await listening
    except Closed:
        return
