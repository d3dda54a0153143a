"""Records that no service can apply, of every class that was ever met, put among the good ones."""

import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from random import Random

from baton.synthetic.orders import make_orders
from runtime.registry import make_codec
from runtime.settings import ServiceSettings
from schemas.event import Event
from schemas.events import (
    IntakeSubmitted,
    PatientCorrected,
    ReferralCommanded,
    ReferralMatched,
    ReferralReceived,
    SlaSignalled,
)
from schemas.ids import named_id
from schemas.vocabulary import (
    Channel,
    CommandAction,
    CorrectionKind,
    MatchKind,
    MatchOutcome,
    Role,
    SignalKind,
    Stage,
)
from tests.faults.evidence import Planted, digest_of
from tests.faults.ledger import Ledger
from tests.faults.oracle import Oracle
from tests.faults.senders import NETWORK, KafkaSender, NotAcknowledged, received

HEADER = 5
#: a length of 2^40 and one of -1, as Avro writes them
ENDLESS, NEGATIVE = b"\x80\x80\x80\x80\x80\x40", b"\x01"
#: words of the vocabulary -> words of the same length that it does not have
FOREIGN_WORDS = {b"portal": b"qortal", b"add_note": b"bdd_note", b"breach": b"crunch", b"review": b"rewiev"}
OVERSIZED = 1_100_000
#: it may be on the topic or not
UNCONFIRMED = (-1, -1)
#: poison under the key of a real referral, which then waits for a person
SACRIFICED_SHARE = 0.02


def _foreign_word(good: bytes, _random: Random) -> bytes | None:
    word = next((word for word in FOREIGN_WORDS if word in good), None)
    return None if word is None else good.replace(word, FOREIGN_WORDS[word])


SPOILT: Mapping[str, Callable[[bytes, Random], bytes | None]] = {
    "tombstone": lambda good, random: None,
    "empty": lambda good, random: b"",
    "too_short": lambda good, random: good[:3],
    "no_magic_byte": lambda good, random: b"\x07" + good[1:],
    "plain_json": lambda good, random: b'{"event_id": "1", "referral_id": "2"}',
    "noise": lambda good, random: random.randbytes(random.randrange(1, 400)),
    "unknown_schema_id": lambda good, random: struct.pack(">bI", 0, 2**31 - 1 - random.randrange(9)) + good[HEADER:],
    "truncated": lambda good, random: good[: random.randrange(HEADER + 1, len(good) - 1)],
    "trailing_bytes": lambda good, random: good + b"\x00\x01",
    "endless_string": lambda good, random: good[:HEADER] + ENDLESS + good[HEADER + 1 :],
    "negative_length": lambda good, random: good[:HEADER] + NEGATIVE + good[HEADER + 1 :],
    "not_utf8": lambda good, random: good[: HEADER + 1] + b"\xff\xfe" + good[HEADER + 3 :],
    "foreign_word": _foreign_word,
    "oversized": lambda good, random: good + bytes(OVERSIZED),
}
#: an oversized record costs as much as a thousand others
WEIGHTS = {kind: 0.1 if kind == "oversized" else 1.0 for kind in SPOILT}


class Poisoner:
    """Plants poison on the topics that running services consume."""

    def __init__(
        self,
        settings: ServiceSettings,
        topics: Sequence[str],
        ledger: Ledger,
        oracle: Oracle,
        seed: int,
        *,
        per_s: float,
    ) -> None:
        self._topic = KafkaSender(settings, client="poisoner")
        self._good = _samples(settings, topics)
        self._ledger, self._oracle = ledger, oracle
        self._random = Random(f"poison-{seed}")
        self._pause_s = 1 / per_s

    def work(self, stop: threading.Event) -> None:
        """Plant until told to stop."""
        while not stop.wait(self._pause_s):
            self.plant()

    def plant(self) -> None:
        """Put one poisonous record on a topic."""
        random = self._random
        topic = random.choice(list(self._good))
        kind = random.choices(list(SPOILT), list(WEIGHTS.values()))[0]
        value = SPOILT[kind](self._good[topic], random)
        if kind == "noise" and value is not None and value[:1] == b"\x00":
            value = b"\x01" + value[1:]
        if value == self._good[topic] or (value is None and kind == "foreign_word"):
            return
        key = self._key(topic)
        try:
            partition, offset = self._topic.send_raw(topic, key=key.encode(), value=value)
        except NotAcknowledged:
            partition, offset = UNCONFIRMED
        self._ledger.plant(Planted(topic, partition, offset, kind, key, digest_of(value)))

    def _key(self, topic: str) -> str:
        if topic in ("referral.commanded.v1", "sla.signalled.v1") and self._random.random() < SACRIFICED_SHARE:
            known = list(self._oracle.latest())
            if known:
                return self._random.choice(known)
        return f"junk-{self._random.randrange(10**9)}"


def _samples(settings: ServiceSettings, topics: Sequence[str]) -> dict[str, bytes]:
    codec = make_codec(settings)
    return {event.schema_name: codec.encode(event) for event in _events() if event.schema_name in topics}


def _events() -> Sequence[Event]:
    now, some_id = datetime.now(UTC), named_id("poison")
    of_network = {"network_id": NETWORK, "clinic_id": "clinic-1"}
    content = {"content_digest": "0" * 64, "content_type": "text/plain", "content_size": 1}
    times = {"received_at": now, "accepted_at": now}
    order = received(next(make_orders(0)), "clinic-1")
    return (
        IntakeSubmitted(
            event_id=some_id, submission_id=some_id, channel=Channel.PORTAL, source="s",
            **of_network, **times, **content,
        ),
        ReferralReceived.model_validate(order.model_dump()),
        PatientCorrected(
            event_id=some_id, matching_key="k", network_id=NETWORK, kind=CorrectionKind.REVIEW, patient_id=some_id,
            by_user="sue", by_role=Role.SUPERVISOR, at=now,
        ),
        ReferralMatched(
            event_id=some_id, referral_id="r", kind=MatchKind.RECEIVED, submission_id=some_id, patient_id=some_id,
            outcome=MatchOutcome.NEW_PATIENT, rule="r", channel=Channel.PORTAL, at=now, **of_network, **times,
        ),
        ReferralCommanded(
            event_id=some_id, referral_id="r", network_id=NETWORK, action=CommandAction.ADD_NOTE, by_user="sue",
            by_role=Role.SUPERVISOR, at=now,
        ),
        SlaSignalled(
            event_id=some_id, referral_id="r", kind=SignalKind.BREACH, stage=Stage.ELIGIBILITY, stage_entry=1,
            owner_queue="q", fires_at=now, fired_at=now, due_at=now, **of_network,
        ),
    )  # fmt: skip
