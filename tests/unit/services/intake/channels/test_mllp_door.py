"""The MLLP door: several messages a connection, an answer to each, and no sender can hold it up or fill it."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from services.intake.channels.limits import LARGEST_HL7, MOST_HL7_MESSAGES
from services.intake.channels.mllp_door import MOST_CONNECTIONS, MllpDoor, MllpServer
from services.intake.channels.senders import KnownSenders, NearSenders, Senders
from tests.samples.catalogue import RUTH
from tests.samples.writers import hl7
from tests.support.channels import Entrance, entrance
from tests.support.hl7_batches import generated_batch

START, END = b"\x0b", b"\x1c\r"
NEAR = NearSenders("127.0.0.0/8", network="riverside", clinic="harbor")
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Talk = Callable[[int], Awaitable[None]]


@pytest.fixture
def inside() -> Iterator[Entrance]:
    with entrance() as found:
        yield found


def serve(inside: Entrance, talk: Talk, *, senders: Senders = NEAR, frame_s: float = 5.0, idle_s: float = 5.0) -> None:
    async def run() -> None:
        door = MllpDoor(inside.acceptor, senders, inside.clock, lambda: inside.is_open, frame_s=frame_s, idle_s=idle_s)
        server = MllpServer(door)
        port = await server.start("127.0.0.1", 0)
        try:
            async with asyncio.timeout(20):
                await talk(port)
        finally:
            await server.close()

    asyncio.run(run())


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def answer(reader: asyncio.StreamReader) -> bytes:
    return (await reader.readuntil(END)).removeprefix(START).removesuffix(END)


def message(number: int) -> bytes:
    return START + hl7(RUTH, f"MSG-{number}").encode() + END


def batched(control_id: str) -> bytes:
    return hl7(RUTH, control_id).encode()


def test_each_message_is_acknowledged_when_it_is_durable(inside: Entrance) -> None:
    async def talk(port: int) -> None:
        async with connected(port) as (reader, writer):
            writer.write(message(1) + b"\r\n" + message(2) + message(3))
            for number in (1, 2, 3):
                assert f"MSA|AA|MSG-{number}|referral ".encode() in await answer(reader)

    serve(inside, talk)

    assert [event.source_message_id for event in inside.broker.events] == ["MSG-1", "MSG-2", "MSG-3"]
    assert inside.contents == [hl7(RUTH, f"MSG-{number}").encode() for number in (1, 2, 3)]


def test_a_message_may_come_byte_by_byte(inside: Entrance) -> None:
    async def talk(port: int) -> None:
        async with connected(port) as (reader, writer):
            for place in range(len(message(1))):
                writer.write(message(1)[place : place + 1])
                await writer.drain()
            assert b"MSA|AA|MSG-1|" in await answer(reader)

    serve(inside, talk)


def test_the_same_message_on_three_connections_is_one_submission(inside: Entrance) -> None:
    answers = []

    async def talk(port: int) -> None:
        for _ in range(3):
            async with connected(port) as (reader, writer):
                writer.write(message(1))
                answers.append(await answer(reader))

    serve(inside, talk)

    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize("content", [b"MSH|", b"", b"PID|1||Xylophone", b"MSH|^~\\&|\r" * 0 + b"hello"])
def test_what_has_no_header_is_refused_and_the_connection_goes_on(inside: Entrance, content: bytes) -> None:
    async def talk(port: int) -> None:
        async with connected(port) as (reader, writer):
            writer.write(START + content + END + message(2))
            refusal = await answer(reader)
            assert b"MSA|AE||" in refusal
            assert b"Xylophone" not in refusal
            assert b"MSA|AA|MSG-2|" in await answer(reader)

    serve(inside, talk)


def test_an_unterminated_frame_ends_with_a_refusal(inside: Entrance) -> None:
    async def talk(port: int) -> None:
        async with connected(port) as (reader, writer):
            writer.write(message(1).removesuffix(END))
            assert b"MSA|AR|MSG-1|too_slow" in await answer(reader)
            assert await reader.read() == b""

    serve(inside, talk, frame_s=0.2)

    assert not inside.broker.events


def test_a_sender_that_trickles_does_not_stretch_the_time(inside: Entrance) -> None:
    async def talk(port: int) -> None:
        async with connected(port) as (reader, writer):
            begun = asyncio.get_running_loop().time()
            reply = asyncio.ensure_future(answer(reader))
            writer.write(START)
            while not reply.done() and asyncio.get_running_loop().time() < begun + 3:
                writer.write(b"x")
                await asyncio.sleep(0.02)
            assert b"too_slow" in await reply
            assert asyncio.get_running_loop().time() < begun + 2

    serve(inside, talk, frame_s=0.3)


def test_a_frame_without_end_is_not_kept_in_memory(inside: Entrance) -> None:
    async def talk(port: int) -> None:
        async with connected(port) as (reader, writer):
            writer.write(message(1).removesuffix(END) + b"x" * (LARGEST_HL7 + 100_000))
            assert b"MSA|AE|MSG-1|too_large" in await answer(reader)

    serve(inside, talk)


@pytest.mark.parametrize("junk", [b"GET / HTTP/1.1\r\n\r\n", b"x" * 10_000_000, b"\x16\x03\x01\xff"])
def test_what_is_no_mllp_is_sent_away(inside: Entrance, junk: bytes) -> None:
    async def talk(port: int) -> None:
        async with connected(port) as (reader, writer):
            writer.write(junk)
            assert b"no_header" in await answer(reader)

    serve(inside, talk)


def test_a_silent_connection_is_closed(inside: Entrance) -> None:
    async def talk(port: int) -> None:
        async with connected(port) as (reader, _):
            assert await reader.read() == b""

    serve(inside, talk, idle_s=0.2)


@pytest.mark.parametrize("trouble", ["broker", "store", "closed"])
def test_while_nothing_can_be_kept_the_sender_keeps_the_message(inside: Entrance, trouble: str) -> None:
    inside.broker.is_away = trouble == "broker"
    inside.store.is_away = trouble == "store"
    inside.is_open = trouble != "closed"

    async def talk(port: int) -> None:
        async with connected(port) as (reader, writer):
            writer.write(message(1))
            assert b"MSA|AR|MSG-1|unavailable" in await answer(reader)
            inside.broker.is_away = inside.store.is_away = False
            inside.is_open = True
            writer.write(message(1))
            assert b"MSA|AA|MSG-1|" in await answer(reader)

    serve(inside, talk)

    assert len(inside.broker.events) == 1


def test_each_message_of_a_frame_is_answered_in_that_frame(inside: Entrance) -> None:
    batches = [generated_batch(seed) for seed in range(60)]

    async def talk(port: int) -> None:
        async with connected(port) as (reader, writer):
            for batch in batches:
                writer.write(START + batch.content + END)
                told = re.findall(rb"MSA\|(..)\|([^|]*)\|", await answer(reader))
                assert told == [(b"AA", one.encode()) if one else (b"AE", b"") for one in batch.told]
            writer.write(message(1))
            assert b"MSA|AA|MSG-1|" in await answer(reader)

    serve(inside, talk)

    good = [one for batch in batches for one in batch.told if one]
    assert [event.source_message_id for event in inside.broker.events] == [*good, "MSG-1"]


def test_the_same_batch_again_is_the_same_submissions(inside: Entrance) -> None:
    answers = []

    async def talk(port: int) -> None:
        for _ in range(2):
            async with connected(port) as (reader, writer):
                writer.write(START + b"BHS|^~\\&|\r" + batched("A") + batched("B") + b"BTS|2\r" + END)
                answers.append(await answer(reader))
        async with connected(port) as (reader, writer):
            writer.write(START + batched("B") + END)
            answers.append(await answer(reader))

    serve(inside, talk)

    assert answers[0] == answers[1]
    assert answers[2] in answers[0]
    assert len({event.submission_id for event in inside.broker.events}) == 2


@pytest.mark.parametrize("trouble", ["broker", "store", "closed", "unknown sender"])
def test_of_a_batch_nothing_is_acknowledged_that_is_not_kept(inside: Entrance, trouble: str) -> None:
    inside.broker.is_away = trouble == "broker"
    inside.store.is_away = trouble == "store"
    inside.is_open = trouble != "closed"

    async def talk(port: int) -> None:
        async with connected(port) as (reader, writer):
            writer.write(START + batched("A") + b"MSH|\r" + batched("B") + END)
            told = re.findall(rb"MSA\|(..)\|([^|]*)\|", await answer(reader))
            refused = b"AE" if trouble == "unknown sender" else b"AR"
            assert told == [(refused, b"A"), (b"AE", b""), (refused, b"B")]

    serve(inside, talk, senders=KnownSenders([]) if trouble == "unknown sender" else NEAR)

    assert not inside.broker.events


def test_an_empty_batch_has_an_empty_answer(inside: Entrance) -> None:
    async def talk(port: int) -> None:
        async with connected(port) as (reader, writer):
            writer.write(START + b"BHS|^~\\&|||||||||B-1\rBTS|0\r" + END + message(2))
            told = await answer(reader)
            assert (told[:4], told[-9:]) == (b"BHS|", b"|B-1\rBTS|0\r"[-9:])
            assert b"MSA|AA|MSG-2|" in await answer(reader)

    serve(inside, talk)


def test_a_batch_of_thousands_is_answered_and_more_is_refused(inside: Entrance) -> None:
    small = b"MSH|^~\\&|||||||R|%d\r"
    many = b"".join(small % number for number in range(MOST_HL7_MESSAGES))

    async def talk(port: int) -> None:
        async with connected(port) as (reader, writer):
            reader._limit = 1 << 22  # type: ignore[attr-defined]  # one answer is larger than a line usually is
            writer.write(START + many + END)
            assert (await answer(reader)).count(b"MSA|AA|") == MOST_HL7_MESSAGES
            writer.write(START + many + small + END)
            assert b"MSA|AE|0|too_many_parts" in await answer(reader)

    serve(inside, talk)


@pytest.mark.parametrize("gap", [b"\x00\x00", b"\r\n\x00\r", b"\x1c\r", b"\x03\x04 ", b"A7", b"\xff\xfe", b"12345"])
def test_what_stands_between_frames_belongs_to_no_message(inside: Entrance, gap: bytes) -> None:
    async def talk(port: int) -> None:
        async with connected(port) as (reader, writer):
            writer.write(message(1) + gap + message(2))
            for number in (1, 2):
                assert f"MSA|AA|MSG-{number}|".encode() in await answer(reader)

    serve(inside, talk)

    assert len(inside.broker.events) == 2


def test_a_message_whose_begin_got_lost_is_asked_for_again(inside: Entrance) -> None:
    async def talk(port: int) -> None:
        async with connected(port) as (reader, writer):
            writer.write(message(1) + message(2).removeprefix(START))
            assert b"MSA|AA|MSG-1|" in await answer(reader)
            assert b"MSA|AR|MSG-2|" in await answer(reader)

    serve(inside, talk)


def test_an_unknown_address_is_refused(inside: Entrance) -> None:
    async def talk(port: int) -> None:
        async with connected(port) as (reader, writer):
            writer.write(message(1))
            assert b"MSA|AE|MSG-1|not_admitted" in await answer(reader)

    serve(inside, talk, senders=KnownSenders([]))

    assert not inside.broker.events


def test_connections_are_bounded_and_those_there_are_still_served(inside: Entrance) -> None:
    async def talk(port: int) -> None:
        first = await asyncio.open_connection("127.0.0.1", port)
        others = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST_CONNECTIONS + 5)]
        assert await others[-1][0].read() == b""
        first[1].write(message(1))
        assert b"MSA|AA|MSG-1|" in await answer(first[0])
        for _, writer in (first, *others):
            writer.close()

    serve(inside, talk)
