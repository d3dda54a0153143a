"""The outside world of the demo network: offices, patients and systems that send referrals by every channel."""

import socket
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random

import httpx

from baton.demo.network import CLINICS, NETWORK
from baton.synthetic.messages import Message, render
from baton.synthetic.orders import Order, make_orders
from baton.synthetic.town import visitors
from schemas.vocabulary import Channel

CHANNEL_WEIGHTS = {
    Channel.FAX: 4,
    Channel.MAIL: 3,
    Channel.PORTAL: 3,
    Channel.HL7: 2,
    Channel.FHIR: 2,
    Channel.VOICEMAIL: 1,
    Channel.CALLCENTRE: 1,
    Channel.CSV: 1,
}
RESEND_SHARE = 0.1
MESSY_SHARE = 0.1
#: messages that lay waiting when the doors opened: some of every channel
BURST = 12
RETRY_AFTER_S = 1.0
MLLP_START, MLLP_END = b"\x0b", b"\x1c\x0d"
#: answers besides those of 500 and more that say: not now
NOT_NOW = frozenset({httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS})


class NotNow(OSError):
    """A door could not take a message; it may later."""


@dataclass(frozen=True)
class Letter:
    """A referral on its way to a clinic."""

    order: Order
    channel: Channel
    clinic: str
    is_messy: bool


class Senders:
    """Sends one message after another through the real doors; one in ten comes twice, one in ten is messy."""

    def __init__(self, stack_env: Mapping[str, str], seed: int) -> None:
        self._intake = httpx.Client(base_url=stack_env["INTAKE_URL"], timeout=10.0)
        host, _, port = stack_env["MLLP_ADDRESS"].rpartition(":")
        self._mllp = (host, int(port))
        self._messages = make_messages(seed)
        self.accepted = 0
        self.refused = 0

    def work(self, stop: threading.Event, pace_s: float) -> None:
        """Send until told to stop, the first ones at once; what is not accepted is sent again, as a sender would."""
        for number, message in enumerate(self._messages):
            while not stop.is_set() and not self._send(message):
                stop.wait(RETRY_AFTER_S)
            if stop.is_set() or (number + 1 >= BURST and stop.wait(pace_s)):
                return

    def _send(self, message: Message) -> bool:
        try:
            accepted = self._by_mllp(message) if message.channel is Channel.HL7 else self._by_http(message)
        except (httpx.HTTPError, OSError):
            return False
        self.accepted += accepted
        self.refused += not accepted
        return True

    def _by_http(self, message: Message) -> bool:
        reply = self._intake.post(
            message.path,
            content=message.content,
            headers={"Content-Type": message.content_type},
            params={"network": NETWORK, "clinic": message.clinic},
        )
        if reply.is_server_error or reply.status_code in NOT_NOW:
            raise NotNow
        return reply.is_success

    def _by_mllp(self, message: Message) -> bool:
        with socket.create_connection(self._mllp, timeout=10) as connection:
            connection.sendall(MLLP_START + message.content + MLLP_END)
            answer = b""
            while not answer.endswith(MLLP_END):
                chunk = connection.recv(4096)
                if not chunk:
                    raise NotNow
                answer += chunk
        if b"MSA|AR" in answer:
            raise NotNow
        return b"MSA|AA" in answer


def make_messages(seed: int) -> Iterator[Message]:
    """Yield messages without end, written now by people of the one town; each channel is among the first ones.

    What comes twice was sent anew: where the channel has a date, it is another one.
    """
    random = Random(f"senders-{seed}")
    letters = _letters(seed, random)
    sent: deque[Letter] = deque(maxlen=50)
    while True:
        comes_again = len(sent) >= BURST and random.random() < RESEND_SHARE
        letter = random.choice(sent) if comes_again else next(letters)
        if not comes_again:
            sent.append(letter)
        order = replace(letter.order, written_at=datetime.now(UTC))
        # a defect is of the letter, however often it is sent
        defect = Random(order.number)
        yield render(order, letter.channel, defect, clinic=letter.clinic, is_messy=letter.is_messy)


def _letters(seed: int, random: Random) -> Iterator[Letter]:
    channels, weights = tuple(CHANNEL_WEIGHTS), tuple(CHANNEL_WEIGHTS.values())
    first = random.sample(channels, len(channels))
    for order in make_orders(seed, people=visitors(Random(f"visitors-{seed}"))):
        channel = first.pop() if first else random.choices(channels, weights)[0]
        yield Letter(order, channel, random.choice(CLINICS), random.random() < MESSY_SHARE)
