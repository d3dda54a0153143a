"""The offices that refer: they send, and send again when nobody told them that their message is safe."""

import hashlib
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Protocol

import httpx
from confluent_kafka import Producer

from baton.synthetic.messages import Message, render
from baton.synthetic.orders import Order, make_orders
from runtime.kafka import producer_config
from runtime.registry import make_codec
from runtime.settings import ServiceSettings
from schemas.codec import cloudevents_headers
from schemas.event import Event
from schemas.events import ReferralReceived
from schemas.ids import derived_id, matching_key_of, named_id, referral_id_of
from schemas.phonetic import phonetic_code
from schemas.topics import key_of
from schemas.vocabulary import Channel, MissingItem, Priority, Sex
from tests.faults import canary
from tests.faults.ledger import Ledger

NETWORK = "faultline"
CLINICS = tuple(f"clinic-{number}" for number in range(1, 9))
#: a sender who was told that the message is safe sends it all the same
RESEND_SHARE = 0.1
INCOMPLETE_SHARE = 0.15
#: messages with one of the defects that real senders have; they become referrals all the same
MESSY_SHARE = 0.15
ACKNOWLEDGED_WITHIN_S = 10.0
MLLP_START, MLLP_END = b"\x0b", b"\x1c\x0d"
CHANNELS = (Channel.PORTAL, Channel.PORTAL, Channel.FHIR, Channel.HL7, Channel.MAIL, Channel.CALLCENTRE)


class NotAcknowledged(Exception):
    """The sender was not told that the message is safe; it may be, or not."""


class Office(Protocol):
    """One way to hand a referral in."""

    def send(self, order: Order, clinic: str) -> None:
        """Hand a referral in and note what the sender was told.

        Raises:
            NotAcknowledged: send it again.
        """


def make_marked_orders(seed: int) -> Iterator[Order]:
    """Yield made-up referrals whose patients carry the canary."""
    random = Random(f"marks-{seed}")
    for order in make_orders(seed):
        person = replace(
            order.person, last_name=canary.last_name(random), mrn=f"{order.person.mrn}{canary.SYLLABLE.upper()}"
        )
        yield replace(
            order,
            person=person,
            number=f"{order.number}-{canary.SYLLABLE}",
            reason=canary.marked(order.reason),
            member_id=f"{order.member_id}{canary.SYLLABLE}",
        )


class Senders:
    """Sends one referral after another until told to stop."""

    def __init__(self, offices: Sequence[Office], seed: int, *, per_s: float) -> None:
        self._offices = offices
        self._orders = make_marked_orders(seed)
        self._random = Random(f"senders-{seed}")
        self._pause_s = 1 / per_s
        self.sent = 0

    def work(self, stop: threading.Event) -> None:
        """Send until told to stop; the last message is sent until it is acknowledged."""
        known: list[tuple[Office, Order, str]] = []
        while not stop.wait(self._pause_s):
            if known and self._random.random() < RESEND_SHARE:
                self._insist(*self._random.choice(known), stop)
                continue
            letter = (self._random.choice(self._offices), next(self._orders), self._random.choice(CLINICS))
            self._insist(*letter, stop)
            known = [*known[-100:], letter]

    def _insist(self, office: Office, order: Order, clinic: str, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                office.send(order, clinic)
            except NotAcknowledged:
                stop.wait(0.2)
                continue
            self.sent += 1
            return


class TopicOffice:
    """Stands for channels and intake: puts normalised referrals on their topic."""

    def __init__(self, settings: ServiceSettings, ledger: Ledger) -> None:
        self._topic = KafkaSender(settings, client="offices")
        self._ledger = ledger

    def send(self, order: Order, clinic: str) -> None:
        """Publish a referral as intake would, with the ids that follow from its number."""
        event = received(order, clinic)
        self._ledger.attempt(event.content_digest, clinic=clinic)
        self._topic.send(event)
        self._ledger.acknowledge(event.content_digest, event.referral_id)


class KafkaSender:
    """Publishes single events and waits until the broker has them."""

    def __init__(self, settings: ServiceSettings, *, client: str) -> None:
        config = producer_config(settings, client=f"faults-{client}")
        self._producer = Producer(config | {"message.timeout.ms": 8_000, "log_level": 0})
        self._codec = make_codec(settings)
        self._prefix = settings.topic_prefix
        self._client = client

    def send(self, event: Event) -> None:
        """Publish an event.

        Raises:
            NotAcknowledged: the broker did not confirm it.
        """
        now = datetime.now(UTC)
        self.send_raw(
            event.schema_name,
            key=key_of(event).encode(),
            value=self._codec.encode(event),
            headers=list(cloudevents_headers(event, source=self._client, at=now, traceparent=None)),
        )

    def send_raw(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, str | bytes | None]] = (),
    ) -> tuple[int, int]:
        """Publish bytes and return the partition and offset they got.

        Raises:
            NotAcknowledged: the broker did not confirm them.
        """
        done: list[tuple[int, int] | None] = []

        def delivered(error: object, message: object) -> None:
            is_there = error is None
            done.append((message.partition(), message.offset()) if is_there else None)  # type: ignore[attr-defined]

        try:
            self._producer.produce(
                self._prefix + topic, key=key, value=value, headers=list(headers), on_delivery=delivered
            )
        except BufferError:
            raise NotAcknowledged from None
        self._producer.flush(ACKNOWLEDGED_WITHIN_S)
        if not done or done[0] is None:
            raise NotAcknowledged
        return done[0]


class DoorOffice:
    """Hands messages in at the doors of the channels."""

    def __init__(self, environment: Mapping[str, str], ledger: Ledger, seed: int) -> None:
        self._intake = httpx.Client(base_url=environment["INTAKE_URL"], timeout=ACKNOWLEDGED_WITHIN_S)
        host, _, port = environment["MLLP_ADDRESS"].rpartition(":")
        self._mllp = (host, int(port))
        self._ledger = ledger
        self._seed = seed

    def send(self, order: Order, clinic: str) -> None:
        """Write a referral the way its channel does, the same each time, and hand it in."""
        random = Random(f"{self._seed}-{order.number}")
        channel = random.choice(CHANNELS)
        message = render(order, channel, random, clinic=clinic, is_messy=random.random() < MESSY_SHARE)
        digest = hashlib.sha256(message.content).hexdigest()
        self._ledger.attempt(digest, clinic=clinic)
        try:
            referral_id = self._by_mllp(message) if channel is Channel.HL7 else self._by_http(message)
        except (httpx.HTTPError, OSError):
            raise NotAcknowledged from None
        self._ledger.acknowledge(digest, referral_id)

    def _by_http(self, message: Message) -> str:
        reply = self._intake.post(
            message.path,
            content=message.content,
            headers={"Content-Type": message.content_type},
            params={"network": NETWORK, "clinic": message.clinic},
        )
        if not reply.is_success:
            raise OSError
        body = reply.json()
        return str(body.get("referral_id") or body["referrals"][0]["referral_id"])

    def _by_mllp(self, message: Message) -> str:
        with socket.create_connection(self._mllp, timeout=ACKNOWLEDGED_WITHIN_S) as connection:
            connection.settimeout(ACKNOWLEDGED_WITHIN_S)
            connection.sendall(MLLP_START + message.content + MLLP_END)
            answer = b""
            while not answer.endswith(MLLP_END):
                chunk = connection.recv(4096)
                if not chunk:
                    raise OSError
                answer += chunk
        if b"MSA|AA" not in answer:
            raise OSError
        return ""


def received(order: Order, clinic: str) -> ReferralReceived:
    """Return what intake would make of an order."""
    person, now = order.person, datetime.now(UTC)
    digest = hashlib.sha256(order.number.encode()).hexdigest()
    submission_id = named_id("faults", order.number)
    is_incomplete = int(digest[:4], 16) / 0xFFFF < INCOMPLETE_SHARE
    return ReferralReceived(
        event_id=derived_id(submission_id, 0),
        referral_id=referral_id_of(submission_id),
        matching_key=matching_key_of(NETWORK, phonetic_code(person.last_name)),
        submission_id=submission_id,
        network_id=NETWORK,
        clinic_id=clinic,
        channel=Channel.PORTAL,
        source=order.contact,
        source_message_id=order.number,
        content_digest=digest,
        fingerprint=hashlib.sha256(f"f-{order.number}".encode()).hexdigest(),
        content_fingerprint=hashlib.sha256(f"c-{order.number}".encode()).hexdigest(),
        received_at=now,
        accepted_at=now,
        given_name=person.given_name,
        last_name=person.last_name,
        birth_date=person.birth_date,
        sex=Sex(person.sex.value),
        phone=f"+1{person.phone}",
        mrn=person.mrn,
        referring_provider=order.provider,
        referring_npi=order.npi,
        referring_organisation=order.organisation,
        referring_contact=order.contact,
        specialty=order.specialty,
        service=order.service,
        reason=order.reason,
        diagnosis_codes=(order.diagnosis_code,),
        order_number=order.number,
        priority=Priority(order.priority),
        insurance_payer=order.payer,
        insurance_member_id=order.member_id,
        missing_items=(MissingItem.REASON,) if is_incomplete else (),
    )
