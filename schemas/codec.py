"""Turn events into Confluent wire format and back, through schema ids that a registry knows."""

import io
import json
import struct
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache, partial
from typing import Any, Protocol, TypeVar, cast

import fastavro
from fastavro.schema import SchemaParseException

from schemas.avro_schema import committed_schema, inner_type, is_sequence
from schemas.event import Event
from schemas.topics import topic_of
from schemas.writer_schema import HarmfulSchema, require_harmless

MAGIC_BYTE = 0
PREFIX = struct.Struct(">bI")
#: an Avro record larger than this is refused unread; documents travel as pointers
MAX_RECORD_BYTES = 1_000_000

E = TypeVar("E", bound=Event)


class Undecodable(Exception):
    """The record is not what its topic promises."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        #: one word for metrics and the quarantine row; never content
        self.reason = reason


class TooLarge(ValueError):
    """The event is larger than a record may be; documents travel as pointers."""


class SchemaIds(Protocol):
    """What the codec needs of a schema registry."""

    def id_of(self, subject: str, schema_text: str) -> int:
        """Return the id under which the subject holds the schema."""

    def schema_text(self, schema_id: int) -> str:
        """Return the schema text of an id; raise KeyError when there is none."""


class Codec:
    """Encode and decode events; schema ids are looked up once and kept."""

    def __init__(self, ids: SchemaIds, *, topic_prefix: str = "") -> None:
        self._ids = ids
        self._topic_prefix = topic_prefix
        self._writer_ids: dict[type[Event], bytes] = {}
        #: the writer's schema, and the reader's where it is another
        self._read_with: dict[tuple[type[Event], int], tuple[Any, Any]] = {}

    def subject(self, event: type[Event]) -> str:
        """Return the registry subject of an event type (TopicNameStrategy)."""
        return f"{self._topic_prefix}{topic_of(event).name}-value"

    def prepare(self, kinds: Iterable[type[Event]]) -> None:
        """Look up what encoding events of these types needs, so that encoding one can not fail over a registry."""
        for kind in kinds:
            self._look_up_writer(kind)

    def encode(self, event: Event) -> bytes:
        """Return the event in Confluent wire format.

        Raises:
            TooLarge: no reader would take it.
        """
        kind = type(event)
        buffer = io.BytesIO()
        buffer.write(self._writer_ids.get(kind) or self._look_up_writer(kind))
        fastavro.schemaless_writer(buffer, parsed_schema(kind), event.__dict__ if is_flat(kind) else _plain(event))
        if buffer.tell() > MAX_RECORD_BYTES:
            raise TooLarge
        return buffer.getvalue()

    def decode(self, kind: type[E], data: bytes | None) -> E:
        """Return the event in `data`, trusting values that its schema admits.

        What the lookup of an id raises goes through: it is not the record's fault.

        Raises:
            Undecodable: no wire format, unknown or foreign schema, oversized or corrupt bytes.
        """
        if data is None or len(data) < PREFIX.size:
            raise Undecodable("not_wire_format")
        if len(data) > MAX_RECORD_BYTES:
            raise Undecodable("oversized")
        magic, schema_id = PREFIX.unpack_from(data)
        if magic != MAGIC_BYTE:
            raise Undecodable("not_wire_format")
        return self._read(kind, self._schemas(kind, schema_id), data)

    def _read(self, kind: type[E], schemas: tuple[Any, Any], data: bytes) -> E:
        stream = io.BytesIO(data)
        stream.seek(PREFIX.size)
        try:
            fields = cast(dict[str, Any], fastavro.schemaless_reader(stream, *schemas))
        except Exception:  # noqa: BLE001 - whatever the parser stumbles over; its message quotes the bytes
            raise Undecodable("corrupt_record") from None
        if stream.tell() != len(data):
            raise Undecodable("trailing_bytes")
        try:
            return construct(kind, fields)
        except KeyError:
            raise Undecodable("unknown_word") from None

    def _look_up_writer(self, kind: type[Event]) -> bytes:
        schema_id = self._ids.id_of(self.subject(kind), schema_text(kind))
        self._writer_ids[kind] = PREFIX.pack(MAGIC_BYTE, schema_id)
        return self._writer_ids[kind]

    def _schemas(self, kind: type[Event], schema_id: int) -> tuple[Any, Any]:
        known = self._read_with.get((kind, schema_id))
        if known is not None:
            return known
        try:
            text = self._ids.schema_text(schema_id)
        except KeyError:
            # a registry that lost our own schemas tells nothing of a record, and this lookup says so
            self._ids.id_of(self.subject(kind), schema_text(kind))
            raise Undecodable("unknown_schema_id") from None
        written, own = _admitted(kind, text), parsed_schema(kind)
        # bytes of the very schema need no resolution, which would cost as much as the reading
        self._read_with[kind, schema_id] = written, None if written == own else own
        return self._read_with[kind, schema_id]


def _admitted(kind: type[Event], text: str) -> Any:
    own = committed_schema(kind)
    try:
        schema = json.loads(text)
        require_harmless(schema)
        if (schema.get("namespace"), schema.get("name")) != (own["namespace"], own["name"]):
            raise Undecodable("foreign_schema")
        return fastavro.parse_schema(schema)
    except (ValueError, HarmfulSchema, AttributeError, SchemaParseException):
        raise Undecodable("foreign_schema") from None


@cache
def schema_text(kind: type[Event]) -> str:
    """Return the published schema of an event as the registry stores it."""
    return json.dumps(committed_schema(kind), separators=(",", ":"))


@cache
def parsed_schema(kind: type[Event]) -> Any:
    """Return the published schema of an event, parsed for fastavro."""
    return fastavro.parse_schema(committed_schema(kind))


@cache
def is_flat(kind: type[Event]) -> bool:
    """Tell whether an event nests no other record, so that its fields can be written as they are."""
    return not _record_fields(kind)


def construct(kind: type[E], fields: Mapping[str, Any]) -> E:
    """Build an event from decoded fields without validating again what the schema promised.

    Raises:
        KeyError: a word that its vocabulary does not have.
    """
    values = dict(fields)
    for name, convert in _converters(kind):
        value = values[name]
        if value is not None:
            values[name] = convert(value)
    event = kind.__new__(kind)
    # what unpickling does: the schema gave every field a value, so that there is no default to look for
    event.__setstate__(
        {
            "__dict__": values,
            "__pydantic_fields_set__": set(values),
            "__pydantic_extra__": None,
            "__pydantic_private__": None,
        }
    )
    return event


@cache
def _converters(kind: type[Event]) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    found: list[tuple[str, Callable[[Any], Any]]] = []
    for name, info in kind.model_fields.items():
        convert = _converter(inner_type(info.annotation))
        if is_sequence(info.annotation):
            found.append((name, _each(convert)))
        elif convert is not None:
            found.append((name, convert))
    return tuple(found)


def _converter(inner: Any) -> Callable[[Any], Any] | None:
    if issubclass(inner, Event):
        return partial(construct, inner)
    # a call of the vocabulary costs ten times a look-up
    return {word.value: word for word in inner}.__getitem__ if issubclass(inner, StrEnum) else None


def _each(convert: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    if convert is None:
        return tuple
    return lambda items: tuple(convert(item) for item in items)


def _plain(event: Event) -> dict[str, Any]:
    fields = dict(event.__dict__)
    for name in _record_fields(type(event)):
        fields[name] = [item.__dict__ for item in fields[name]]
    return fields


@cache
def _record_fields(kind: type[Event]) -> tuple[str, ...]:
    # fields that hold records are sequences; the schemas have no single nested record
    return tuple(n for n, info in kind.model_fields.items() if issubclass(inner_type(info.annotation), Event))


def cloudevents_headers(event: Event, *, source: str, at: datetime, traceparent: str | None) -> list[tuple[str, bytes]]:
    """Return the CloudEvents 1.0 binary-mode headers of a record, with the W3C trace context."""
    event_id = str(event.event_id)  # type: ignore[attr-defined]  # every event on a topic has one
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_source", f"/baton/{source}".encode()),
        ("ce_type", f"baton.{event.schema_name}".encode()),
        ("ce_time", at.isoformat().encode()),
        ("content-type", b"application/vnd.apache.avro"),
    ]
    if traceparent is not None:
        headers.append(("traceparent", traceparent.encode()))
    return headers
