"""The intake bench's baseline: consume, decode, validate, encode, produce, and nothing else; run as a process."""

import sys
from datetime import UTC, datetime

from confluent_kafka import Consumer, Producer

from runtime.kafka import consumer_config, producer_config
from runtime.registry import make_codec
from runtime.settings import ServiceSettings, load_settings
from schemas.events import IntakeSubmitted, ReferralReceived
from schemas.vocabulary import Channel

GROUP = "bench-bare"
OUTPUT = "bench.bare"
BATCH = 500

#: a referral of ordinary size; the baseline only fills in the ids
_TEMPLATE = {
    "channel": Channel.PORTAL,
    "source": "office@elmstreet.example",
    "content_digest": "0" * 64,
    "fingerprint": "0" * 64,
    "content_fingerprint": "0" * 64,
    "received_at": datetime(2026, 1, 5, tzinfo=UTC),
    "accepted_at": datetime(2026, 1, 5, tzinfo=UTC),
    "given_name": "Katherine",
    "last_name": "Lindqvist",
    "birth_date": "1961-04-03",
    "sex": "female",
    "phone": "+16175550142",
    "mrn": "MR0100017",
    "referring_provider": "Helen Marsh",
    "referring_npi": "1902803745",
    "referring_organisation": "Elm Street Family Practice",
    "referring_contact": "office@elmstreet.example",
    "specialty": "cardiology",
    "service": "Echocardiogram",
    "reason": "Palpitations on exertion",
    "diagnosis_codes": ("R00.2",),
    "order_number": "ORD-1-1",
    "insurance_payer": "Harbor Mutual",
    "insurance_member_id": "M00000001",
}


def main() -> None:
    """Loop until killed; the bench watches the group's committed offsets."""
    settings = load_settings(ServiceSettings)
    codec = make_codec(settings)
    consumer = Consumer(consumer_config(settings, service=sys.argv[1]))
    producer = Producer(producer_config(settings, client=GROUP))
    consumer.subscribe([settings.topic_prefix + IntakeSubmitted.schema_name])
    output = settings.topic_prefix + OUTPUT
    while True:
        messages = [m for m in consumer.consume(BATCH, 0.05) if m.error() is None]
        for message in messages:
            event = codec.decode(IntakeSubmitted, message.value())
            received = _received(event)
            producer.produce(output, key=received.matching_key, value=codec.encode(received))
        if messages:
            producer.flush()
            consumer.commit(offsets=consumer.position(consumer.assignment()), asynchronous=False)


def _received(event: IntakeSubmitted) -> ReferralReceived:
    return ReferralReceived.model_validate(
        {
            **_TEMPLATE,
            "event_id": event.submission_id,
            "referral_id": event.submission_id[:14],
            "matching_key": event.submission_id[:16],
            "submission_id": event.submission_id,
            "network_id": event.network_id,
            "clinic_id": event.clinic_id,
        }
    )


if __name__ == "__main__":
    main()
