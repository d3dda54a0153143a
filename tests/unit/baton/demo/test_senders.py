import re
import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice

import pytest

from baton.demo import seed_of
from baton.demo.senders import BURST, MLLP_END, MLLP_START, Senders, make_messages
from baton.refusal import Refused
from baton.synthetic.messages import Message
from schemas.vocabulary import Channel
from tests.support.waiting import eventually

MESSAGE_ID = re.compile(rb"ORD-\d+-\d+")
LONG_S = 3600.0


def ids_in(message: Message) -> list[bytes]:
    return MESSAGE_ID.findall(message.content)


def ids_of(seed: int) -> set[bytes]:
    return {found for message in islice(make_messages(seed), 300) for found in ids_in(message)}


def test_two_seeds_share_no_message() -> None:
    one, two = ({message.content for message in islice(make_messages(seed), 300)} for seed in (7, 8))

    assert not one & two
    assert ids_of(7)
    assert not ids_of(7) & ids_of(8)
    assert not ids_of(1) & ids_of(11)


def test_patients_of_an_earlier_start_return() -> None:
    record_number = re.compile(rb"MR\d{9}")
    one, two = (
        {mrn for message in islice(make_messages(seed), 300) for mrn in record_number.findall(message.content)}
        for seed in (7, 8)
    )

    assert len(one & two) > 10
    assert len(two - one) > 50


def test_messages_are_written_now() -> None:
    (message,) = islice((m for m in make_messages(7) if m.channel is Channel.HL7), 1)

    written = datetime.strptime(message.content.split(b"|")[6].decode(), "%Y%m%d%H%M%S%z")

    assert abs(datetime.now(UTC) - written) < timedelta(minutes=1)


def test_some_messages_come_again() -> None:
    numbers = Counter(found for message in islice(make_messages(7), 300) for found in set(ids_in(message)))

    assert sum(count > 1 for count in numbers.values()) > 10


def test_every_channel_is_among_the_first_messages() -> None:
    assert {message.channel for message in islice(make_messages(7), BURST)} == set(Channel)


def test_seed_is_new_at_every_start_unless_it_is_asked_for() -> None:
    assert len({seed_of({"DEMO_SEED": ""}) for _ in range(5)}) > 1
    assert seed_of({"DEMO_SEED": "42"}) == 42
    with pytest.raises(Refused, match="DEMO_SEED"):
        seed_of({"DEMO_SEED": "-1"})


class Doors:
    """An intake that takes every message, or has something else to say for a while."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.turned_away: list[bytes] = []
        self.answers: list[int] = []
        self.mllp_answers: list[bytes] = []

    @contextmanager
    def open(self) -> Iterator[dict[str, str]]:
        """Serve HTTP and MLLP and give out the addresses."""
        web = ThreadingHTTPServer(("127.0.0.1", 0), _web_handler(self))
        mllp = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _mllp_handler(self))
        for server in (web, mllp):
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield {
            "INTAKE_URL": f"http://127.0.0.1:{web.server_port}",
            "MLLP_ADDRESS": f"127.0.0.1:{mllp.server_address[1]}",
        }
        for server in (web, mllp):
            server.shutdown()
            server.server_close()


def _web_handler(doors: Doors) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            status = doors.answers.pop() if doors.answers else 201
            (doors.taken if status == 201 else doors.turned_away).append(content)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    return Handler


def _mllp_handler(doors: Doors) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            content = b""
            while not content.endswith(MLLP_END):
                content += self.request.recv(4096)
            code = doors.mllp_answers.pop() if doors.mllp_answers else b"AA"
            (doors.taken if code == b"AA" else doors.turned_away).append(content)
            self.request.sendall(MLLP_START + b"MSH|\rMSA|" + code + b"|1|\r" + MLLP_END)

    return Handler


@contextmanager
def sending(doors: Doors) -> Iterator[Senders]:
    """Let senders of a pace that nobody lives to see work for the block."""
    with doors.open() as addresses:
        senders, stop = Senders(addresses, 7), threading.Event()
        worker = threading.Thread(target=senders.work, args=(stop, LONG_S), daemon=True)
        worker.start()
        yield senders
        stop.set()
        worker.join(5)
        assert not worker.is_alive()


def test_first_messages_are_sent_at_once() -> None:
    doors = Doors()
    with sending(doors):
        eventually(lambda: len(doors.taken) == BURST, within_s=20, what="the first messages")


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_message_is_sent_again_while_the_doors_say_not_now(status: int) -> None:
    doors = Doors()
    doors.answers, doors.mllp_answers = [status], [b"AR"]
    with sending(doors) as senders:
        eventually(lambda: len(doors.taken) == BURST, within_s=20, what="the first messages")

    assert len(doors.turned_away) == 2
    assert set(doors.turned_away) <= set(doors.taken)
    assert (senders.accepted, senders.refused) == (BURST, 0)
