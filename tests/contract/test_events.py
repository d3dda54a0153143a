"""The published schemas: the models', described, classed, compatible with every version before."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from schemas.avro_schema import AVRO_FOLDER, avro_schema, committed_schema
from schemas.event import Event, PhiClass
from schemas.events import EVENTS
from tests.support.compatibility import Schema, incompatibilities, versions_of

by_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.schema_name)


@by_event
def test_published_schema_is_the_models(event: type[Event]) -> None:
    assert committed_schema(event) == avro_schema(event), "run: python -m schemas.avro_schema"


def test_every_published_schema_has_its_event() -> None:
    names = {event.schema_name for event in EVENTS}

    stray = [path.name for path in AVRO_FOLDER.iterdir() if not any(path.name.startswith(f"{n}.") for n in names)]

    assert stray == []


@by_event
def test_every_field_says_what_it_is_and_how_sensitive(event: type[Event]) -> None:
    schema = committed_schema(event)

    assert schema["doc"].endswith(".")
    for record in records_of(schema):
        for field in record["fields"]:
            assert field["doc"].strip().endswith("."), field["name"]
            assert field["phi"] in set(PhiClass), field["name"]


@by_event
def test_every_version_reads_every_other(event: type[Event]) -> None:
    assert list(incompatibilities(versions_of(event.schema_name, AVRO_FOLDER))) == []


@by_event
def test_routing_fields_come_first(event: type[Event]) -> None:
    assert committed_schema(event)["fields"][0]["name"] == "event_id"


def without(schema: Schema, name: str) -> Schema:
    changed = copy.deepcopy(dict(schema))
    changed["fields"] = [field for field in changed["fields"] if field["name"] != name]
    return changed


def with_field(schema: Schema, **field: Any) -> Schema:
    return {**schema, "fields": [*schema["fields"], field]}


def with_type(schema: Schema, name: str, kind: str) -> Schema:
    fields = [{**field, "type": kind} if field["name"] == name else field for field in schema["fields"]]
    return {**schema, "fields": fields}


def test_the_compatibility_check_admits_an_optional_field_and_nothing_else() -> None:
    own = committed_schema(EVENTS[-1])
    admitted = with_field(own, name="later", type=["null", "string"], default=None)
    refused = {
        "required field added": with_field(own, name="later", type="string"),
        "required field removed": without(own, "kind"),
        "type changed": with_type(own, "kind", "long"),
        "type widened one way": with_type(own, "window_start", "double"),
    }

    assert list(incompatibilities({"old": own, "new": admitted})) == []
    for what, changed in refused.items():
        assert list(incompatibilities({"old": own, "new": changed})), what


def records_of(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield a record schema and all that are nested in it."""
    if isinstance(schema, list):
        for branch in schema:
            yield from records_of(branch)
    elif isinstance(schema, dict) and schema.get("type") == "record":
        yield schema
        for field in schema["fields"]:
            yield from records_of(field["type"])
    elif isinstance(schema, dict):
        yield from records_of(schema.get("items", schema.get("type")))
