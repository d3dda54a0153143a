"""Faults of the log: offsets that are gone, and topics that are read again from their beginning."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from confluent_kafka import ConsumerGroupState, ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.faults.campaign import PARTITIONS, Campaign
from tests.faults.waiting import DEADLINE_S

#: static members stay in their group until their session is over
EMPTY_WITHIN_S = DEADLINE_S


def delete_offsets(campaign: Campaign, service: str) -> None:
    """Delete a service's group while it is down, as seven idle days do."""
    _while_down(campaign, service, "group offsets deleted", _delete_group)


def replay_from_start(campaign: Campaign, service: str) -> None:
    """Set a service's group back to the beginning of its topics while it is down."""
    _while_down(campaign, service, "topics replayed", _to_the_start)


def _while_down(
    campaign: Campaign, service: str, fault: str, act: Callable[[Campaign, AdminClient, str], None]
) -> None:
    began_at = datetime.now(UTC)
    admin = AdminClient({"bootstrap.servers": campaign.settings.kafka_bootstrap_servers})
    group = f"{campaign.settings.topic_prefix}{service}"
    names = _instances(campaign, service)
    with campaign.fleet.held(*names):
        _await_empty(admin, group)
        act(campaign, admin, service)
    campaign.await_ready()
    campaign.recover(f"{fault} {service}", began_at)


def _instances(campaign: Campaign, service: str) -> Sequence[str]:
    return [name for name in campaign.fleet.names if name.partition(".")[0] == service]


def _await_empty(admin: AdminClient, group: str) -> None:
    deadline = time.monotonic() + EMPTY_WITHIN_S
    while time.monotonic() < deadline:
        described = admin.describe_consumer_groups([group], request_timeout=10)[group].result()
        if described.state in (ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD):
            return
        time.sleep(0.2)
    raise TimeoutError(f"{group} to be empty")


def _delete_group(campaign: Campaign, admin: AdminClient, service: str) -> None:
    group = f"{campaign.settings.topic_prefix}{service}"
    try:
        admin.delete_consumer_groups([group], request_timeout=10)[group].result()
    except KafkaException as error:
        if error.args[0].name() != "GROUP_ID_NOT_FOUND":
            raise


def _to_the_start(campaign: Campaign, admin: AdminClient, service: str) -> None:
    prefix = campaign.settings.topic_prefix
    places = [
        TopicPartition(prefix + topic, partition, 0)
        for topic in campaign.consumed[service]
        for partition in range(PARTITIONS)
    ]
    request = ConsumerGroupTopicPartitions(f"{prefix}{service}", places)
    admin.alter_consumer_group_offsets([request], request_timeout=10)[request.group_id].result()
