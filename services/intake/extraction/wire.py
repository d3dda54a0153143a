"""Frames between intake and its reader processes: a JSON head, then bytes; never pickle, the child is not trusted."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, BinaryIO

import orjson

from runtime.document_store import is_digest
from schemas.vocabulary import Channel, MissingItem
from services.intake.extraction.field_names import FieldName
from services.intake.extraction.findings import FileRole, Finding, FoundFile, FoundText, Part
from services.intake.extraction.limits import LARGEST_TOLD_SIZE

_SIZES = struct.Struct(">II")
LARGEST_HEAD = 16_000_000
#: the files of a message together, in either direction
LARGEST_BODY = 64_000_000


class Format(StrEnum):
    """Which reader a message needs."""

    MAIL = "mail"
    FILES = "files"  #: one or more documents, each read by itself
    FORM = "form"
    CSV = "csv"
    HL7 = "hl7"
    FHIR = "fhir"


class FrameKind(StrEnum):
    """What a frame from a reader process says."""

    READY = "ready"
    FILE = "file"
    TEXT = "text"
    END = "end"


class BrokenFrame(Exception):
    """The other side ended or wrote something that is no frame."""


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """Bytes to be read; several only for documents that belong together."""

    format: Format
    channel: Channel
    #: media type and bytes of each
    files: tuple[tuple[str, bytes], ...]


def write_frame(stream: BinaryIO, head: dict[str, Any], bodies: Iterable[bytes] = ()) -> None:
    """Write a frame and flush it."""
    encoded = orjson.dumps(head, option=orjson.OPT_NON_STR_KEYS)
    body = b"".join(bodies)
    stream.write(_SIZES.pack(len(encoded), len(body)) + encoded)
    stream.write(body)
    stream.flush()


def read_frame(stream: BinaryIO) -> tuple[dict[str, Any], bytes]:
    """Return the next frame.

    Raises:
        BrokenFrame: the stream ended, or holds no frame.
    """
    sizes = stream.read(_SIZES.size)
    if len(sizes) < _SIZES.size:
        raise BrokenFrame
    head_size, body_size = _SIZES.unpack(sizes)
    if head_size > LARGEST_HEAD or body_size > LARGEST_BODY:
        raise BrokenFrame
    encoded, body = stream.read(head_size), stream.read(body_size)
    if len(encoded) < head_size or len(body) < body_size:
        raise BrokenFrame
    try:
        head = orjson.loads(encoded)
    except orjson.JSONDecodeError:
        raise BrokenFrame from None
    if not isinstance(head, dict):
        raise BrokenFrame
    return head, body


def write_request(stream: BinaryIO, request: ReadRequest) -> None:
    """Send a request to a reader process."""
    head = {
        "format": request.format,
        "channel": request.channel,
        "files": [[kind, len(data)] for kind, data in request.files],
    }
    write_frame(stream, head, (data for _, data in request.files))


def read_request(stream: BinaryIO) -> ReadRequest:
    """Receive a request in a reader process.

    Raises:
        BrokenFrame: intake ended.
    """
    head, body = read_frame(stream)
    files, begin = [], 0
    for kind, size in head["files"]:
        files.append((kind, body[begin : begin + size]))
        begin += size
    return ReadRequest(Format(head["format"]), Channel(head["channel"]), tuple(files))


def write_finding(stream: BinaryIO, finding: Finding) -> None:
    """Send a finding to intake at once, so that it counts even if the process dies over the next."""
    if isinstance(finding, FoundFile):
        head: dict[str, Any] = {
            "kind": FrameKind.FILE,
            "content_type": _without_surrogates(finding.content_type),
            "role": finding.role,
            "digest": finding.digest,
            "size": finding.size,
        }
        write_frame(stream, head, (finding.data,))
        return
    head = {
        "kind": FrameKind.TEXT,
        "part": finding.part,
        "fields": _storable(finding.fields),
        "note": _without_surrogates(finding.note),
        "text_digest": finding.text_digest,
        "troubles": list(finding.troubles),
        "file_index": finding.file_index,
    }
    write_frame(stream, head)


def finding_of(head: dict[str, Any], body: bytes) -> Finding:
    """Return the finding of a frame.

    Raises:
        BrokenFrame: the frame holds no finding.
    """
    try:
        if head["kind"] == FrameKind.FILE:
            return _found_file(head, body)
        return FoundText(
            part=Part(head["part"]),
            fields={FieldName(name): str(value) for name, value in head["fields"].items()},
            note=str(head["note"]),
            text_digest=str(head["text_digest"]),
            troubles=tuple(map(MissingItem, head["troubles"])),
            file_index=_whole_number(head["file_index"]),
        )
    except (KeyError, ValueError, TypeError, AttributeError):
        raise BrokenFrame from None


def _found_file(head: dict[str, Any], body: bytes) -> FoundFile:
    digest = head["digest"]
    if digest is not None and not is_digest(digest):
        raise ValueError
    return FoundFile(
        content_type=str(head["content_type"]),
        role=FileRole(head["role"]),
        data=body,
        digest=digest,
        # what a file in the document store is told to have; of the bytes that came along it is seen
        size=len(body) if digest is None else _whole_number(head["size"]) or 0,
    )


def _whole_number(value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST_TOLD_SIZE:
        raise ValueError
    return value


def _storable(fields: dict[FieldName, str]) -> dict[str, str]:
    return {name.value: _without_surrogates(value) for name, value in fields.items()}


def _without_surrogates(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
