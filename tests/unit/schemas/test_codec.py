"""Events survive the wire; bytes from anybody else are refused cheaply."""

import io
import json
import struct
import tracemalloc
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.avro_schema import committed_schema
from schemas.codec import MAX_RECORD_BYTES, Codec, TooLarge, Undecodable
from schemas.event import Event
from schemas.events import EVENTS, IntakeSubmitted, NoticeRequested, ReferralReceived
from schemas.topics import TOPICS
from tests.support.generated_events import events
from tests.support.schema_ids import RememberedSchemas

by_event = pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.schema_name)
#: what reading one hostile record may take, a hundred times its bytes and a constant
BYTES_PER_BYTE, BYTES_AT_LEAST = 100, 2_000_000


def codec() -> Codec:
    return Codec(RememberedSchemas())


def example(kind: type[Event]) -> Event:
    from tests.contract.test_topics import EXAMPLES

    return kind.model_validate_json((EXAMPLES / f"{kind.schema_name}.json").read_text())


@by_event
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_is_encoded_is_decoded(kind: type[Event], data: st.DataObject) -> None:
    event = data.draw(events(kind))
    own = codec()

    decoded = own.decode(kind, own.encode(event))

    assert decoded == event
    assert [type(value) for value in vars(decoded).values()] == [type(value) for value in vars(event).values()]


@by_event
def test_what_was_not_set_is_the_default(kind: type[Event]) -> None:
    own = codec()
    required = {name: getattr(example(kind), name) for name, info in kind.model_fields.items() if info.is_required()}

    event = kind(**required)

    assert own.decode(kind, own.encode(event)) == event


def test_wire_format_is_magic_byte_schema_id_and_body() -> None:
    own = codec()
    event = example(NoticeRequested)

    magic, schema_id = struct.unpack_from(">bI", own.encode(event))

    assert (magic, schema_id) == (0, 1)
    body = io.BytesIO(own.encode(event)[5:])
    plain = fastavro.schemaless_reader(body, fastavro.parse_schema(committed_schema(NoticeRequested)), None)
    assert isinstance(plain, dict)
    assert plain["kind"] == "reminder"


def test_an_event_that_no_reader_would_take_is_not_written() -> None:
    event = example(IntakeSubmitted).model_copy(update={"file_name": "x" * MAX_RECORD_BYTES})

    with pytest.raises(TooLarge):
        codec().encode(event)


def encoded_by(own: Codec, ids: RememberedSchemas, schema: dict[str, Any], record: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(schema), record)
    return struct.pack(">bI", 0, ids.id_of("any", json.dumps(schema))) + buffer.getvalue()


def reason_of(own: Codec, data: bytes | None, kind: type[Event] = NoticeRequested) -> str:
    with pytest.raises(Undecodable) as caught:
        own.decode(kind, data)
    assert caught.value.__cause__ is None
    return caught.value.reason


def test_each_kind_of_wrong_bytes_has_its_reason() -> None:
    ids = RememberedSchemas()
    own = Codec(ids)
    good = own.encode(example(NoticeRequested))
    foreign = own.encode(example(IntakeSubmitted))
    word = example(NoticeRequested).model_copy(update={"kind": "cheer"})

    assert reason_of(own, None) == "not_wire_format"
    assert reason_of(own, b"") == "not_wire_format"
    assert reason_of(own, b"\x00\x00\x00") == "not_wire_format"
    assert reason_of(own, b"\x01" + good[1:]) == "not_wire_format"
    assert reason_of(own, b"\x00\xff\xff\xff\xff" + good[5:]) == "unknown_schema_id"
    assert reason_of(own, foreign) == "foreign_schema"
    assert reason_of(own, good[:-1]) == "corrupt_record"
    assert reason_of(own, good + b"\x00") == "trailing_bytes"
    assert reason_of(own, good + bytes(MAX_RECORD_BYTES)) == "oversized"
    assert reason_of(own, own.encode(word)) == "unknown_word"


def test_a_newer_version_of_the_own_schema_is_read() -> None:
    ids = RememberedSchemas()
    own = Codec(ids)
    event = example(NoticeRequested)
    newer = committed_schema(NoticeRequested)
    newer["fields"].append({"name": "colour", "type": ["null", "string"], "default": None})

    data = encoded_by(own, ids, newer, json.loads(event.model_dump_json()) | {
        "colour": "green", "window_start": event.window_start, "window_end": event.window_end,  # type: ignore[attr-defined]
    })  # fmt: skip

    assert own.decode(NoticeRequested, data) == event


HOSTILE_SCHEMAS: dict[str, Any] = {
    "not json": "}{",
    "not a schema": "17",
    "a name": '"string"',
    "a list": '["null"]',
    "no fields": '{"type":"record","name":"NoticeRequested","namespace":"baton"}',
    "field without type": '{"type":"record","name":"NoticeRequested","namespace":"baton","fields":[{"name":"a"}]}',
    "recursive": [{"name": "a", "type": ["null", "baton.NoticeRequested"]}],
    "recursive by short name": [{"name": "a", "type": {"type": "array", "items": "NoticeRequested"}}],
    "nothing, often": [{"name": "a", "type": {"type": "array", "items": "null"}}],
    "empty records, often": [
        {"name": "a", "type": {"type": "array", "items": {"type": "record", "name": "E", "fields": []}}}
    ],
    "fixed of no size, often": [
        {"name": "a", "type": {"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}}}
    ],
    "deep": [{"name": "a", "type": {"type": "array", "items": {"type": "array", "items": {"type": "array", "items": {
        "type": "array", "items": {"type": "array", "items": {"type": "array", "items": {"type": "array", "items": {
            "type": "array", "items": {"type": "array", "items": "string"}}}}}}}}}}],
    "unknown logical nonsense": [{"name": "a", "type": {"type": {"type": "nothing"}}}],
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE_SCHEMAS)
def test_a_schema_that_could_hurt_is_refused_before_anything_is_read(what: str) -> None:
    ids = RememberedSchemas()
    fields = HOSTILE_SCHEMAS[what]
    named = {"type": "record", "name": "NoticeRequested", "namespace": "baton", "fields": fields}
    ids.texts[7] = fields if isinstance(fields, str) else json.dumps(named)

    assert reason_of(Codec(ids), struct.pack(">bI", 0, 7) + b"\xfe\xff\xff\xff\x0f" * 40) == "foreign_schema"


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_own_schemas_are_harmless(topic: Any) -> None:
    own = codec()
    own.decode(topic.event, own.encode(example(topic.event)))


def huge(number: int) -> bytes:
    """Return a number as Avro writes it."""
    encoded, rest = b"", (number << 1) ^ (number >> 63)
    while rest > 0x7F:
        encoded, rest = encoded + bytes([rest & 0x7F | 0x80]), rest >> 7
    return encoded + bytes([rest])


@st.composite
def mangled(draw: st.DrawFn, good: bytes) -> bytes:
    """Return a record that is cut, flipped, or has a huge length or count somewhere."""
    cut = draw(st.integers(5, len(good)))
    match draw(st.sampled_from(["cut", "flip", "insert", "replace", "noise"])):
        case "cut":
            return good[:cut]
        case "flip":
            at = draw(st.integers(5, len(good) - 1))
            return good[:at] + bytes([good[at] ^ draw(st.integers(1, 255))]) + good[at + 1 :]
        case "insert":
            return good[:cut] + huge(draw(st.sampled_from([-1, 2**31, -(2**31), 2**62, -(2**63)]))) + good[cut:]
        case "replace":
            return good[:cut] + huge(draw(st.integers(-(2**63), 2**63 - 1)))
        case _:
            return good[:5] + draw(st.binary(max_size=300))


@by_event
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_mangled_bytes_are_read_or_refused_and_never_cost_much(kind: type[Event], data: st.DataObject) -> None:
    own = codec()
    bytes_ = data.draw(mangled(own.encode(example(kind))))

    # whatever is made once for all, such as a cached path of the decoder, is not the record's cost
    peak = min(peak_of_decoding(own, kind, bytes_) for _ in range(2))
    assert peak <= len(bytes_) * BYTES_PER_BYTE + BYTES_AT_LEAST


@pytest.mark.parametrize("count", [2**20, 2**40, 2**62, -(2**40), -(2**63)])
def test_a_count_alone_allocates_nothing(count: int) -> None:
    own = codec()
    good = own.encode(example(ReferralReceived))
    body = good[5:]

    for place in range(0, len(body), 7):
        data = good[:5] + body[:place] + huge(count)
        assert peak_of_decoding(own, ReferralReceived, data) <= BYTES_AT_LEAST


def test_a_large_record_of_small_items_stays_in_proportion() -> None:
    own = codec()
    event = example(NoticeRequested).model_copy(update={"signal_ids": ("",) * 900_000})
    data = own.encode(event)

    assert peak_of_decoding(own, NoticeRequested, data) <= len(data) * BYTES_PER_BYTE


def peak_of_decoding(own: Codec, kind: type[Event], data: bytes) -> int:
    """Decode and return the most memory it held; only Undecodable may come out."""
    tracemalloc.start()
    try:
        own.decode(kind, data)
    except Undecodable:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peak
