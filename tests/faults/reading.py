"""How the campaign itself reads: consumers that join no group, and values by the registry's own deserializer."""

from collections.abc import Callable
from typing import Any

from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from runtime.settings import ServiceSettings

COMMITTED, ANY = "read_committed", "read_uncommitted"
#: a topic and the bytes of a record -> what it says; None where they are not an event
Reader = Callable[[str, bytes], dict[str, Any] | None]


def asking_config(bootstrap: str, group: str, isolation: str) -> dict[str, Any]:
    """Return the settings of a consumer that joins no group and commits nothing."""
    return {
        "bootstrap.servers": bootstrap,
        "client.id": "faults-asking",
        "group.id": group,
        "isolation.level": isolation,
        "enable.auto.commit": False,
        "reconnect.backoff.max.ms": 1_000,
        "log_level": 0,
    }


def make_reader(settings: ServiceSettings) -> Reader:
    """Return what reads values; poison is planted on purpose, so that it raises nothing."""
    deserialize = AvroDeserializer(SchemaRegistryClient({"url": settings.schema_registry_url}))

    def read(topic: str, value: bytes) -> dict[str, Any] | None:
        try:
            found = deserialize(value, SerializationContext(topic, MessageField.VALUE))
        except Exception:  # noqa: BLE001 - whether it was planted is judged later
            return None
        return found if isinstance(found, dict) and "event_id" in found else None

    return read
