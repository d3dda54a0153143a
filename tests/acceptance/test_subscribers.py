"""A subscriber with a plain client reads the public topics, and keys lie where a Java client would put them."""

from collections.abc import Generator
from contextlib import closing
from random import Random
from typing import Any

from confluent_kafka import Consumer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from baton.synthetic.messages import render
from baton.synthetic.orders import make_orders
from schemas.topics import DEFAULT_PARTITIONS
from schemas.vocabulary import Channel
from tests.support.clinic import Clinic
from tests.support.waiting import eventually

_MASK = 0xFFFFFFFF
#: key, value and partition; an empty key where nothing came in time
Change = tuple[str, dict[str, Any], int]


def test_plain_client_reads_changes_in_dense_order_and_murmur2_partitions(clinic: Clinic) -> None:
    message = render(next(make_orders(7000)), Channel.PORTAL, Random(1), clinic="harbor")
    referral_id = clinic.send(message)
    clinic.referral(referral_id)
    assert clinic.command(referral_id, "ivy", action="move", to_stage="eligibility").status_code == 200
    mine: list[tuple[dict[str, Any], int]] = []
    with (
        SchemaRegistryClient({"url": clinic.sandbox.settings.schema_registry_url}) as registry,
        closing(_read(clinic, "referral.changed.v1", AvroDeserializer(registry))) as reader,
    ):

        def look() -> bool:
            mine.extend((value, partition) for key, value, partition in [next(reader)] if key == referral_id)
            return len(mine) >= 2

        eventually(look, what="both changes")

    assert [value["sequence"] for value, _ in mine] == [1, 2]
    assert [value["stage"] for value, _ in mine] == ["intake_received", "eligibility"]
    assert {partition for _, partition in mine} == {(murmur2(referral_id.encode()) & 0x7FFFFFFF) % DEFAULT_PARTITIONS}


def _read(clinic: Clinic, topic: str, deserialize: AvroDeserializer) -> Generator[Change, None, None]:
    settings = clinic.sandbox.settings
    consumer = Consumer(
        {
            "bootstrap.servers": settings.kafka_bootstrap_servers,
            "group.id": f"{clinic.sandbox.prefix}subscriber",
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
        }
    )
    name = clinic.sandbox.prefix + topic
    consumer.subscribe([name])
    try:
        while True:
            yield _next(consumer, name, deserialize)
    finally:
        consumer.close()


def _next(consumer: Consumer, name: str, deserialize: AvroDeserializer) -> Change:
    record = consumer.poll(0.5)
    if record is None or record.error() is not None:
        return "", {}, -1
    key, value = record.key(), record.value()
    assert isinstance(key, bytes)
    assert isinstance(value, bytes)
    content = deserialize(value, SerializationContext(name, MessageField.VALUE))
    assert isinstance(content, dict)
    return key.decode(), content, record.partition() or 0


def murmur2(data: bytes) -> int:
    """Hash as Kafka's Java client does (org.apache.kafka.common.utils.Utils.murmur2), written from the algorithm."""
    multiplier, value = 0x5BD1E995, (0x9747B28C ^ len(data)) & _MASK
    whole = len(data) & ~3
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little") * multiplier & _MASK
        word = (word ^ (word >> 24)) * multiplier & _MASK
        value = (value * multiplier & _MASK) ^ word
    tail = data[whole:]
    if tail:
        value = (value ^ int.from_bytes(tail, "little")) * multiplier & _MASK
    value = (value ^ (value >> 13)) * multiplier & _MASK
    return value ^ (value >> 15)


def test_murmur2_gives_the_values_of_the_java_client() -> None:
    assert murmur2(b"21") - (1 << 32) == -973932308
    assert murmur2(b"foobar") - (1 << 32) == -790332482
