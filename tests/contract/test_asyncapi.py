"""The AsyncAPI document: current, whole, and every reference leads somewhere."""

from collections.abc import Iterator
from typing import Any

from schemas.asyncapi import FILE, as_yaml, document, text
from schemas.avro_schema import committed_schema
from schemas.topics import TOPICS, TopicAccess


def test_document_is_current() -> None:
    assert FILE.read_text() == text(), "run: python -m schemas.asyncapi"


def test_every_topic_is_a_channel_with_its_schema_and_access() -> None:
    made = document()

    channels = {channel["address"]: channel for channel in made["channels"].values()}
    messages = {message["name"]: message for message in made["components"]["messages"].values()}
    assert set(channels) == set(messages) == {topic.name for topic in TOPICS}
    for topic in TOPICS:
        assert messages[topic.name]["payload"]["schema"] == committed_schema(topic.event)
        assert channels[topic.name]["x-access"] == topic.access
    assert {c["x-access"] for c in channels.values()} == set(TopicAccess)


def test_every_channel_has_an_operation() -> None:
    made = document()

    used = {operation["channel"]["$ref"].rpartition("/")[2] for operation in made["operations"].values()}

    assert used == set(made["channels"])


def test_every_reference_leads_somewhere() -> None:
    made = document()

    references = list(references_in(made))

    assert references
    for reference in references:
        place: Any = made
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def test_yaml_is_written_as_readers_take_it() -> None:
    value = {"a": [1, {"b": "x: y", "on": None}, [True]], "empty": {}, "none": [], "1": 'say "ü"'}

    assert as_yaml(value).splitlines() == [
        "a:",
        "  - 1",
        '  - b: "x: y"',
        '    "on": null',
        "  - - true",
        "empty: {}",
        "none: []",
        '"1": "say \\"ü\\""',
    ]


def references_in(value: Any) -> Iterator[str]:
    """Yield every reference of a document."""
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from references_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references_in(inner)
