"""Submissions and stored documents for tests of intake."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from runtime.delivery import Delivery
from runtime.document_store import DocumentMissing
from schemas.events import IntakeSubmitted, ReferralReceived
from schemas.ids import named_id
from schemas.vocabulary import Channel
from services.intake.extraction.reader_pool import ReadResult
from services.intake.extraction.readers import read
from services.intake.extraction.wire import ReadRequest
from services.intake.pipeline import IntakePipeline

SAMPLES = Path(__file__).parents[1] / "samples"
RECEIVED_AT = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)


@dataclass
class MemoryDocuments:
    """A document store that forgets everything at the end of the test."""

    by_digest: dict[str, bytes] = field(default_factory=dict)

    def put(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        self.by_digest[digest] = data
        return digest

    def put_all(self, documents: Sequence[bytes]) -> tuple[str, ...]:
        return tuple(map(self.put, documents))

    def get(self, digest: str) -> bytes:
        try:
            return self.by_digest[digest]
        except KeyError:
            raise DocumentMissing from None

    def get_small(self, digests: Sequence[str], *, largest: int) -> dict[str, bytes]:
        return {d: data for d in digests if len(data := self.by_digest.get(d, b"")) <= largest and data}


class HereReaders:
    """Reads foreign bytes in this process, for tests that do not try to harm it."""

    def __init__(self) -> None:
        # the PDF library knows one thread only; reader processes have no more
        self._one_at_a_time = Lock()

    def read(self, request: ReadRequest) -> ReadResult:
        with self._one_at_a_time:
            return ReadResult(findings=list(read(request)))


@dataclass
class LogTable:
    """Stands for the connection of a step and keeps the rows that are copied into the automation log."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)

    def cursor(self) -> "LogTable":
        return self

    def copy(self, query: object) -> "LogTable":
        del query
        return self

    def write_row(self, row: tuple[Any, ...]) -> None:
        self.rows.append(row)

    def __enter__(self) -> "LogTable":
        return self

    def __exit__(self, *_: object) -> None:
        return


@dataclass(frozen=True)
class SampleMessage:
    """One message of a sample file, and what has to become of it."""

    name: str
    channel: Channel
    content_type: str
    data: bytes
    expected: dict[str, Any]


def sample_messages() -> Iterator[SampleMessage]:
    """Yield the messages of all samples that their channel accepts; a table is one message a row."""
    for path, told in json.loads((SAMPLES / "expected.json").read_text()).items():
        if told["refused"]:
            continue
        data = (SAMPLES / path).read_bytes()
        parts = _rows(data) if len(told["referrals"]) > 1 else [data]
        for number, (part, expected) in enumerate(zip(parts, told["referrals"], strict=True), start=1):
            yield SampleMessage(f"{path}#{number}", Channel(told["channel"]), told["content_type"], part, expected)


def _rows(table: bytes) -> list[bytes]:
    header, *rows = csv.reader(io.StringIO(table.decode(), newline=""))
    return [_table(header, row) for row in rows]


def _table(header: list[str], row: list[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, row])
    return text.getvalue().encode()


def submitted(
    documents: MemoryDocuments,
    data: bytes,
    *,
    channel: Channel = Channel.MAIL,
    content_type: str = "message/rfc822",
    message_id: str | None = "<1@elmstreet.example>",
    source: str = "office@elmstreet.example",
    received_at: datetime = RECEIVED_AT,
) -> Delivery:
    """Return the delivery of a submission whose bytes are in the store."""
    digest = documents.put(data)
    submission_id = named_id("test", channel, source, message_id or digest)
    event = IntakeSubmitted(
        event_id=submission_id,
        submission_id=submission_id,
        network_id="riverside",
        clinic_id="harbor",
        channel=channel,
        source=source,
        source_message_id=message_id,
        received_at=received_at,
        accepted_at=received_at,
        content_digest=digest,
        content_type=content_type,
        content_size=len(data),
    )
    return Delivery(event, submission_id, event.schema_name, 0, 0, submission_id, received_at, None)


def referral_in(pipeline: IntakePipeline, delivery: Delivery) -> ReferralReceived:
    """Return the one referral that a submission becomes."""
    outputs = pipeline.handle(None, [delivery])  # type: ignore[arg-type]  # used only for what could not be read
    (referral,) = outputs[delivery.event_id]
    assert isinstance(referral, ReferralReceived)
    return referral
