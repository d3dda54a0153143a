"""Every record of a campaign's topics, committed or not, and how far each group has read."""

import base64
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TextIO

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from runtime.settings import ServiceSettings
from tests.faults.keeping.lines import as_line
from tests.faults.reading import ANY, COMMITTED, Reader, asking_config, make_reader
from tests.faults.waiting import DEADLINE_S

TIMEOUT_S = 30.0
BATCH = 500
Place = tuple[str, int, int]


def dump_topics(settings: ServiceSettings, folder: Path) -> None:
    """Write every record of every topic of the deployment to TOPIC.jsonl.

    Raises:
        TimeoutError: the topics could not be read to their ends.
    """
    folder.mkdir(exist_ok=True)
    committed = {_place(message) for message in _records(settings, COMMITTED)}
    read = make_reader(settings)
    files: defaultdict[str, TextIO] = _FilesByTopic(folder, settings.topic_prefix)
    try:
        for message in _records(settings, ANY):
            line = as_line(_as_fact(message, read, settings.topic_prefix, is_committed=_place(message) in committed))
            files[message.topic() or ""].write(line + "\n")
    finally:
        for file in files.values():
            file.close()


def dump_offsets(settings: ServiceSettings, groups: Sequence[str], path: Path) -> None:
    """Write the committed offsets of each group."""
    with path.open("w") as file:
        for group in groups:
            config = asking_config(settings.kafka_bootstrap_servers, settings.topic_prefix + group, ANY)
            with closing(Consumer(config)) as consumer:
                for place in consumer.committed(_partitions(consumer, settings.topic_prefix), timeout=TIMEOUT_S):
                    if place.offset >= 0:
                        topic = place.topic.removeprefix(settings.topic_prefix)
                        fact = {"group": group, "place": f"{topic}/{place.partition}", "committed": place.offset}
                        file.write(as_line(fact) + "\n")


class _FilesByTopic(defaultdict[str, TextIO]):
    def __init__(self, folder: Path, prefix: str) -> None:
        super().__init__()
        self._folder, self._prefix = folder, prefix

    def __missing__(self, topic: str) -> TextIO:
        self[topic] = (self._folder / f"{topic.removeprefix(self._prefix)}.jsonl").open("w")
        return self[topic]


def _records(settings: ServiceSettings, isolation: str) -> Iterator[Message]:
    config = asking_config(settings.kafka_bootstrap_servers, f"{settings.topic_prefix}keeping", isolation)
    with closing(Consumer(config | {"enable.partition.eof": True})) as consumer:
        partitions = _partitions(consumer, settings.topic_prefix)
        consumer.assign(partitions)
        unread, deadline = {(place.topic, place.partition) for place in partitions}, time.monotonic() + DEADLINE_S
        while unread:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the ends of {sorted(unread)}")
            for message in consumer.consume(BATCH, 1.0):
                error = message.error()
                if error is None:
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:
                    unread.discard((message.topic() or "", message.partition() or 0))


def _partitions(consumer: Consumer, prefix: str) -> list[TopicPartition]:
    topics = consumer.list_topics(timeout=TIMEOUT_S).topics
    return [TopicPartition(name, p, 0) for name in topics if name.startswith(prefix) for p in topics[name].partitions]


def _place(message: Message) -> Place:
    return message.topic() or "", message.partition() or 0, message.offset() or 0


def _as_fact(message: Message, read: Reader, prefix: str, *, is_committed: bool) -> dict[str, Any]:
    value, (topic, partition, offset) = message.value(), _place(message)
    raw = value if isinstance(value, bytes) else None
    return {
        "place": f"{topic.removeprefix(prefix)}/{partition}/{offset}",
        "at_ms": message.timestamp()[1],
        "is_committed": is_committed,
        "key": _text(message.key()),
        "headers": {str(header[0]): _text(header[1]) for header in message.headers() or ()},
        "reads": None if raw is None else read(topic, raw) or _text(raw[:4_000]),
        "value_base64": None if raw is None else base64.b64encode(raw).decode(),
    }


def _text(raw: str | bytes | None) -> str | None:
    return raw.decode("utf-8", "backslashreplace") if isinstance(raw, bytes) else raw
