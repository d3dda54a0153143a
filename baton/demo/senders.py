"""The outside world of the demo network: offices, patients and systems that send referrals by every channel."""

import socket
import threading
from collections import deque
from collections.abc import Mapping
from random import Random

import httpx

from baton.synthetic.messages import Message, render
from baton.synthetic.orders import make_orders
from schemas.vocabulary import Channel

NETWORK = "riverside"
CLINICS = ("harbor", "hill", "lake")
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
MLLP_START, MLLP_END = b"\x0b", b"\x1c\x0d"


class Senders:
    """Sends one message after another through the real doors; one in ten comes twice, one in ten is messy."""

    def __init__(self, stack_env: Mapping[str, str], seed: int) -> None:
        self._intake = httpx.Client(base_url=stack_env["INTAKE_URL"], timeout=10.0)
        host, _, port = stack_env["MLLP_ADDRESS"].rpartition(":")
        self._mllp = (host, int(port))
        self._random = Random(f"senders-{seed}")
        self._orders = make_orders(seed)
        self._sent: deque[Message] = deque(maxlen=50)
        self.accepted = 0
        self.refused = 0

    def work(self, stop: threading.Event, pace_s: float) -> None:
        """Send until told to stop; what is not accepted is sent again, as a sender would."""
        while not stop.wait(pace_s):
            message = self._next()
            while not self._send(message) and not stop.wait(1.0):
                pass

    def _next(self) -> Message:
        if self._sent and self._random.random() < RESEND_SHARE:
            return self._random.choice(self._sent)
        channels = tuple(CHANNEL_WEIGHTS)
        channel = self._random.choices(channels, [CHANNEL_WEIGHTS[c] for c in channels])[0]
        message = render(
            next(self._orders),
            channel,
            self._random,
            clinic=self._random.choice(CLINICS),
            is_messy=self._random.random() < MESSY_SHARE,
        )
        self._sent.append(message)
        return message

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
        if reply.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            raise OSError
        return reply.is_success

    def _by_mllp(self, message: Message) -> bool:
        with socket.create_connection(self._mllp, timeout=10) as connection:
            connection.sendall(MLLP_START + message.content + MLLP_END)
            answer = b""
            while not answer.endswith(MLLP_END):
                chunk = connection.recv(4096)
                if not chunk:
                    raise OSError
                answer += chunk
        return b"MSA|AA" in answer
