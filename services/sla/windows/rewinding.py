"""Begin anew when the tables are gone: signals that were taken and not yet told would be told to nobody.

Every taken signal is written to the changelog before its offset is committed. So a group that has passed records while
the changelog never had one lost its tables, as when the topic was deleted and made again. Everything is taken once
more then; the courier drops what was told before.
"""

import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # exported, not declared

from runtime.kafka import make_admin
from services.sla.settings import WindowsSettings
from services.sla.windows.changelogs import APP, Table, changelog_topic

ASK_TIMEOUT_S = 10.0
#: a static member stays in its group until its session is over, and a broker that has just started loads its groups
POSSIBLE_WITHIN_S = 30.0
LOOK_EVERY_S = 0.5
#: answers of a broker to whom the same will be possible soon
NOT_YET = frozenset(["NON_EMPTY_GROUP", "COORDINATOR_LOAD_IN_PROGRESS", "COORDINATOR_NOT_AVAILABLE", "NOT_COORDINATOR"])
NO_GROUP = "GROUP_ID_NOT_FOUND"

log = structlog.get_logger()

T = TypeVar("T")


def begin_anew_without_tables(settings: WindowsSettings, *, partitions: int) -> None:
    """Let the group forget how far it has read, if its tables are gone.

    Raises:
        KafkaException: the broker did not answer, or somebody else is in the group.
    """
    admin, group = make_admin(settings.kafka_bootstrap_servers), f"{settings.topic_prefix}{APP}"
    if _has_passed_records(admin, group) and not _was_written(admin, settings.topic_prefix, partitions):
        log.warning("tables_lost")
        _delete(admin, group)


def _has_passed_records(admin: AdminClient, group: str) -> bool:
    request = [ConsumerGroupTopicPartitions(group)]
    try:
        answer = _once_possible(
            lambda: admin.list_consumer_group_offsets(request, request_timeout=ASK_TIMEOUT_S)[group].result()
        )
    except KafkaException as error:
        if error.args[0].name() == NO_GROUP:
            return False
        raise
    return any(place.offset > 0 for place in answer.topic_partitions or ())


def _was_written(admin: AdminClient, topic_prefix: str, partitions: int) -> bool:
    topic = changelog_topic(topic_prefix, Table.UNTOLD)
    # the client library leaves this call without types
    ends = {TopicPartition(topic, number): OffsetSpec.latest() for number in range(partitions)}  # type: ignore[no-untyped-call]
    answers = admin.list_offsets(ends, request_timeout=ASK_TIMEOUT_S)
    return any(answer.result().offset > 0 for answer in answers.values())


def _delete(admin: AdminClient, group: str) -> None:
    _once_possible(lambda: admin.delete_consumer_groups([group], request_timeout=ASK_TIMEOUT_S)[group].result())


def _once_possible(ask: Callable[[], T]) -> T:
    deadline = time.monotonic() + POSSIBLE_WITHIN_S
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].name() not in NOT_YET or time.monotonic() > deadline:
                raise
            time.sleep(LOOK_EVERY_S)
