"""Create the topics of the table and register their schemas with full compatibility."""

from collections.abc import Mapping

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from confluent_kafka.schema_registry import ConfigCompatibilityLevel, Schema, SchemaRegistryClient, ServerConfig
from confluent_kafka.schema_registry.error import SchemaRegistryError

from baton.refusal import Refused
from runtime.kafka import make_admin
from runtime.registry import make_registry_client
from runtime.settings import ServiceSettings
from schemas.codec import schema_text
from schemas.events import SlaSignalled
from schemas.topics import TOPICS, Topic, topic_of
from services.sla.windows.changelogs import changelog_topics

CREATE_TIMEOUT_S = 30.0
METADATA_TIMEOUT_S = 10.0
DAY_MS = 24 * 3600 * 1000
COMPATIBILITY = ConfigCompatibilityLevel.FULL_TRANSITIVE
MAX_MESSAGE_BYTES = 1_500_000


def apply_topics(settings: ServiceSettings, *, partitions: int, replication_factor: int) -> int:
    """Create missing topics, register every schema, and return how many topics were new.

    Raises:
        Refused: the broker refused a topic, or the registry a schema.
    """
    with make_registry_client(settings) as registry:
        register_schemas(registry, topic_prefix=settings.topic_prefix)
    wanted = {
        settings.topic_prefix + topic.name: topic_config(topic, replication_factor=replication_factor)
        for topic in TOPICS
    }
    admin = make_admin(settings.kafka_bootstrap_servers)
    created = create_topics(admin, wanted, partitions=partitions, replication_factor=replication_factor)
    return created + create_topics(
        admin,
        dict.fromkeys(changelog_topics(settings.topic_prefix), compacted_config(replication_factor=replication_factor)),
        partitions=_partitions_of(admin, settings.topic_prefix + topic_of(SlaSignalled).name, default=partitions),
        replication_factor=replication_factor,
    )


def topic_config(topic: Topic, *, replication_factor: int) -> dict[str, str]:
    """Return the broker's settings of a topic."""
    config = compacted_config(replication_factor=replication_factor)
    if topic.is_compacted:
        return config
    return config | {"cleanup.policy": "delete", "retention.ms": str(topic.retention_days * DAY_MS)}


def compacted_config(*, replication_factor: int) -> dict[str, str]:
    """Return the broker's settings of a topic that keeps the last value of each key."""
    return {
        "cleanup.policy": "compact",
        "min.insync.replicas": str(max(1, replication_factor - 1)),
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
        "message.timestamp.type": "CreateTime",
    }


def _partitions_of(admin: AdminClient, topic: str, *, default: int) -> int:
    # a topic made just now may be missing in the first answers of the broker; then it has what was asked for
    known = admin.list_topics(timeout=METADATA_TIMEOUT_S).topics.get(topic)
    return len(known.partitions) if known and known.partitions else default


def create_topics(
    admin: AdminClient, wanted: Mapping[str, Mapping[str, str]], *, partitions: int, replication_factor: int
) -> int:
    """Create those topics that do not exist; return their number.

    Raises:
        Refused: the broker refused one.
    """
    new = [
        NewTopic(name, num_partitions=partitions, replication_factor=replication_factor, config=dict(config))
        for name, config in wanted.items()
    ]
    created = 0
    for name, future in admin.create_topics(new, operation_timeout=CREATE_TIMEOUT_S).items():
        try:
            future.result()
            created += 1
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise Refused(f"topic {name}: {error.args[0].name()}") from None
    return created


def register_schemas(client: SchemaRegistryClient, *, topic_prefix: str) -> None:
    """Register every event's schema under its topic, never with less than full compatibility.

    Raises:
        Refused: the registry holds a schema that the new one does not go with.
    """
    for topic in TOPICS:
        subject = f"{topic_prefix}{topic.name}-value"
        try:
            client.set_config(subject_name=subject, config=ServerConfig(compatibility=COMPATIBILITY))
            client.register_schema(subject, Schema(schema_text(topic.event), "AVRO"))
        except SchemaRegistryError as error:
            raise Refused(f"schema {subject}: registry answered {error.http_status_code}") from None
