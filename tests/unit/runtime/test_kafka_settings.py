"""What the Kafka clients are told, where a default or a plausible choice would lose data or stand still."""

from runtime.kafka import consumer_config, transactional_config
from runtime.settings import ServiceSettings

SETTINGS = ServiceSettings(
    kafka_bootstrap_servers="broker:1",
    schema_registry_url="http://registry",
    database_url="postgresql://",
    instance="3",
)


def test_static_members_are_assigned_eagerly() -> None:
    config = consumer_config(SETTINGS, service="stager")

    assert config["group.instance.id"] == "stager-3"
    assert config["partition.assignment.strategy"] == "range"


def test_a_consumer_forgets_nothing() -> None:
    config = consumer_config(SETTINGS, service="stager")

    assert config["isolation.level"] == "read_committed"
    assert config["auto.offset.reset"] == "earliest"
    assert config["enable.auto.commit"] is False


def test_each_slot_has_a_transactional_id_of_its_own() -> None:
    config = transactional_config(SETTINGS, service="stager")

    assert config["transactional.id"].endswith("stager-3")
    assert config["enable.idempotence"] is True
    assert config["partitioner"] == "murmur2_random"
