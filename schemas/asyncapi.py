"""Write the AsyncAPI document of the topics from the topic table: `python -m schemas.asyncapi`."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from schemas.avro_schema import committed_schema
from schemas.topics import TOPICS, Service, Topic

FILE = Path(__file__).parent / "asyncapi.yaml"
HEAD = "# Made from the topic table by `python -m schemas.asyncapi`; change schemas/topics.py or schemas/events.py."
AVRO = "application/vnd.apache.avro+json;version=1.9.0"
#: parties that are not Baton
OUTSIDE = frozenset({Service.SCHEDULING, Service.SUBSCRIBERS})
_PLAIN_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_.$-]*")
#: words that YAML readers take for something else than text
_NOT_TEXT = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def document() -> dict[str, Any]:
    """Return the AsyncAPI document."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Baton",
            "version": "1.0.0",
            "description": "Referrals from intake to scheduling. Topics with x-access public carry no patient data; "
            "the others are for Baton's own services and connected systems. See README.md next to this file.",
        },
        "defaultContentType": "application/vnd.apache.avro",
        "channels": {_id(topic): _channel(topic) for topic in TOPICS},
        "operations": {name: operation for topic in TOPICS for name, operation in _operations(topic)},
        "components": {
            "messages": {_id(topic): _message(topic) for topic in TOPICS},
            "messageTraits": {"cloudEvent": {"headers": _headers()}},
        },
    }


def as_yaml(value: Any, indent: int = 0) -> str:
    """Return mappings, lists and scalars as YAML, texts as JSON writes them."""
    return "\n".join(_lines(value, " " * indent))


def text() -> str:
    """Return the file's text."""
    return f"{HEAD}\n{as_yaml(document())}\n"


def _id(topic: Topic) -> str:
    return topic.event.__name__


def _channel(topic: Topic) -> dict[str, Any]:
    kept = {"cleanup.policy": ["compact"]} if topic.is_compacted else {"cleanup.policy": ["delete"]}
    retention = {} if topic.is_compacted else {"retention.ms": topic.retention_days * 24 * 3600 * 1000}
    return {
        "address": topic.name,
        "description": (topic.event.__doc__ or "").strip(),
        "messages": {_id(topic): {"$ref": f"#/components/messages/{_id(topic)}"}},
        "bindings": {"kafka": {"topicConfiguration": kept | retention}},
        "x-access": topic.access.value,
        "x-producers": [service.value for service in topic.producers],
        "x-consumers": [service.value for service in topic.consumers],
    }


def _operations(topic: Topic) -> Iterator[tuple[str, dict[str, Any]]]:
    channel = {"channel": {"$ref": f"#/channels/{_id(topic)}"}}
    if set(topic.producers) - OUTSIDE:
        yield f"send{_id(topic)}", {"action": "send", **channel}
    if set(topic.producers) & OUTSIDE:
        yield f"receive{_id(topic)}", {"action": "receive", **channel}


def _message(topic: Topic) -> dict[str, Any]:
    return {
        "name": topic.name,
        "title": (topic.event.__doc__ or "").strip(),
        "contentType": "application/vnd.apache.avro",
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": f"The event's {topic.key}, UTF-8; murmur2 partitioner."},
                "schemaIdLocation": "payload",
                "schemaIdPayloadEncoding": "confluent",
                "schemaLookupStrategy": "TopicNameStrategy",
            }
        },
        "payload": {"schemaFormat": AVRO, "schema": committed_schema(topic.event)},
    }


def _headers() -> dict[str, Any]:
    names = ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type", "traceparent")
    required = [name for name in names if name != "traceparent"]
    return {"type": "object", "required": required, "properties": {name: {"type": "string"} for name in names}}


def _lines(value: Any, margin: str) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _entry(f"{margin}{_key(name)}:", inner, margin + "  ")
    elif isinstance(value, list) and value:
        for inner in value:
            yield from _item(inner, margin)
    else:
        yield margin + json.dumps(value, ensure_ascii=False)


def _entry(start: str, inner: Any, margin: str) -> Iterator[str]:
    if isinstance(inner, Mapping | list) and inner:
        yield start
        yield from _lines(inner, margin)
    else:
        yield f"{start} {json.dumps(inner, ensure_ascii=False)}"


def _item(inner: Any, margin: str) -> Iterator[str]:
    # the dash takes the place of the first line's margin
    first, *rest = _lines(inner, margin + "  ")
    yield f"{margin}- {first[len(margin) + 2 :]}"
    yield from rest


def _key(name: str) -> str:
    return name if _PLAIN_KEY.fullmatch(name) and name.lower() not in _NOT_TEXT else json.dumps(name)


if __name__ == "__main__":
    FILE.write_text(text())
