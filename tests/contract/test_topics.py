"""The topic table: whole, keyed by text, and without patients where everybody may read."""

import json
from pathlib import Path
from typing import Any

import pytest

import schemas
from schemas.avro_schema import committed_schema, inner_type, is_optional, is_sequence
from schemas.codec import Codec
from schemas.event import PhiClass
from schemas.events import EVENTS
from schemas.topics import TOPICS, Topic, TopicAccess
from tests.contract.test_events import records_of
from tests.support.schema_ids import RememberedSchemas

EXAMPLES = Path(schemas.__file__).parent / "examples"
by_topic = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)


def test_every_event_has_one_topic() -> None:
    assert sorted(topic.event.__name__ for topic in TOPICS) == sorted(event.__name__ for event in EVENTS)


@by_topic
def test_topic_has_producers_and_consumers(topic: Topic) -> None:
    assert topic.producers
    assert topic.consumers


@by_topic
def test_key_is_a_text_field_that_is_always_there_and_names_nobody(topic: Topic) -> None:
    info = topic.event.model_fields[topic.key]

    assert inner_type(info.annotation) is str
    assert not is_optional(info.annotation)
    assert not is_sequence(info.annotation)
    assert phi_of(topic)[topic.key] == PhiClass.NONE


@by_topic
def test_public_topic_carries_nothing_that_could_name_a_patient(topic: Topic) -> None:
    sensitive = {name for name, phi in phi_of(topic).items() if phi != PhiClass.NONE}

    assert topic.access is TopicAccess.RESTRICTED or sensitive == set()


def test_matched_referrals_name_no_patient() -> None:
    (matched,) = (topic for topic in TOPICS if topic.name == "referral.matched.v1")

    assert set(phi_of(matched).values()) == {PhiClass.NONE}


@by_topic
def test_example_can_be_encoded_and_read(topic: Topic) -> None:
    text = (EXAMPLES / f"{topic.name}.json").read_text()
    codec = Codec(RememberedSchemas())

    event = topic.event.model_validate_json(text)

    assert codec.decode(topic.event, codec.encode(event)) == event
    assert json.loads(text) == json.loads(event.model_dump_json()), "an example shows every field"


def test_every_example_has_its_topic() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.json")} == {topic.name for topic in TOPICS}


def phi_of(topic: Topic) -> dict[str, Any]:
    """Return the PHI class of each field, nested records included."""
    records = records_of(committed_schema(topic.event))
    return {field["name"]: field["phi"] for record in records for field in record["fields"]}
