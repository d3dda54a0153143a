"""Derive the Avro schema of an event from its model, so that the two cannot drift apart."""

import json
import types
import typing
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from schemas.event import Event

AVRO_FOLDER = Path(__file__).parent / "avro"
NAMESPACE = "baton"

_LOGICAL: dict[type, Any] = {
    bool: "boolean",
    int: "long",
    str: "string",
    datetime: {"type": "long", "logicalType": "timestamp-micros"},
    date: {"type": "int", "logicalType": "date"},
}


def avro_schema(event: type[Event]) -> dict[str, Any]:
    """Return the Avro record schema of an event, with docs, defaults and PHI classes."""
    return {
        "type": "record",
        "name": event.__name__,
        "namespace": NAMESPACE,
        "doc": (event.__doc__ or "").strip(),
        "fields": [_avro_field(name, info) for name, info in event.model_fields.items()],
    }


def committed_schema(event: type[Event]) -> dict[str, Any]:
    """Return the schema that the repository publishes for an event."""
    path = AVRO_FOLDER / f"{event.schema_name}.avsc"
    return typing.cast(dict[str, Any], json.loads(path.read_text()))


def is_optional(annotation: Any) -> bool:
    """Tell whether a field may be null."""
    return types.NoneType in typing.get_args(annotation)


def inner_type(annotation: Any) -> Any:
    """Strip `| None`, Annotated and the tuple around a field's type; return the class inside."""
    if typing.get_origin(annotation) is typing.Annotated:
        return inner_type(typing.get_args(annotation)[0])
    arguments = [a for a in typing.get_args(annotation) if a not in (types.NoneType, Ellipsis)]
    return inner_type(arguments[0]) if arguments else annotation


def is_sequence(annotation: Any) -> bool:
    """Tell whether a field holds a tuple of values."""
    return typing.get_origin(annotation) is tuple


def _avro_field(name: str, info: FieldInfo) -> dict[str, Any]:
    annotation = info.annotation
    avro_type = _avro_type(inner_type(annotation))
    extra = typing.cast(dict[str, Any], info.json_schema_extra)
    entry: dict[str, Any] = {"name": name, "doc": info.description, "phi": extra["phi"]}
    if is_sequence(annotation):
        entry["type"] = {"type": "array", "items": avro_type}
    elif is_optional(annotation):
        entry["type"] = ["null", avro_type]
    else:
        entry["type"] = avro_type
    if info.default is not PydanticUndefined:
        entry["default"] = list(info.default) if isinstance(info.default, tuple) else info.default
    return entry


def _avro_type(kind: Any) -> Any:
    if issubclass(kind, Event):
        return avro_schema(kind)
    if issubclass(kind, StrEnum):
        return {"type": "string", "vocabulary": kind.__name__}
    if kind.__name__ == "AwareDatetime":
        return _LOGICAL[datetime]
    return _LOGICAL[kind]


def _write_all() -> None:
    from schemas.events import EVENTS

    for event in EVENTS:
        path = AVRO_FOLDER / f"{event.schema_name}.avsc"
        path.write_text(json.dumps(avro_schema(event), indent=2) + "\n")


if __name__ == "__main__":
    _write_all()
