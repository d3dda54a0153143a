"""Intake's normaliser: each accepted submission becomes one referral, however little of it could be read (R13)."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import psycopg
import structlog
from pydantic import ValidationError

from runtime.automation_log import AutomationEntry, append_automation_log
from runtime.delivery import Delivery
from runtime.document_store import DocumentDamaged, DocumentMissing, DocumentStore
from runtime.pipeline import Outputs, Rejected
from schemas.event import Event
from schemas.events import IntakeSubmitted, ReferralReceived
from schemas.vocabulary import Channel
from services.intake.extraction.assembly import Extraction, assemble
from services.intake.extraction.files import contents_of, in_places, lost_files
from services.intake.extraction.findings import Finding, FoundFile, FoundText
from services.intake.extraction.formats import foreign_format, is_read_in_process, structured_format
from services.intake.extraction.limits import LARGEST_IN_PROCESS
from services.intake.extraction.reader_pool import ReadOutcome, ReadResult
from services.intake.extraction.structured import read_structured
from services.intake.extraction.wire import Format, ReadRequest
from services.intake.referral import referral_of

log = structlog.get_logger()

DOCUMENT_MISSING = "document_missing"
DOCUMENT_DAMAGED = "document_damaged"
FIELD_NOT_ADMITTED = "field_not_admitted"


class Readers(Protocol):
    """Who reads foreign bytes."""

    def read(self, request: ReadRequest) -> ReadResult:
        """Return what was found; never fails over the bytes."""


@dataclass(slots=True)
class _Read:
    """What was read of one submission, and how reading ended."""

    findings: list[Finding]
    outcome: ReadOutcome = ReadOutcome.COMPLETE

    @property
    def extraction(self) -> Extraction:
        return assemble(self.findings, is_complete=self.outcome is ReadOutcome.COMPLETE)


class IntakePipeline:
    """Turns `IntakeSubmitted` into `ReferralReceived`."""

    service = "intake"
    consumes: tuple[type[Event], ...] = (IntakeSubmitted,)
    produces: tuple[type[Event], ...] = (ReferralReceived,)
    parks_by_key = False
    keeps_inbox = False

    def __init__(self, documents: DocumentStore, readers: Readers, *, parallel_reads: int) -> None:
        self._documents = documents
        self._readers = readers
        self._threads = ThreadPoolExecutor(parallel_reads, thread_name_prefix="read")

    def handle(self, connection: psycopg.Connection, batch: Sequence[Delivery]) -> Outputs:
        """Return one referral for each submission.

        Raises:
            Rejected: the bytes of a submission are not in the document store.
            DocumentStoreUnavailable, ReaderUnavailable: nothing can be read now.
        """
        reads = self._read_all(batch)
        outputs = {d.event_id: (_referral(d, read),) for d, read in zip(batch, reads, strict=True)}
        self._log_unread(connection, batch, reads)
        return outputs

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    def _read_all(self, batch: Sequence[Delivery]) -> list[_Read]:
        # what systems wrote is read here and now, what people wrote or scanned side by side in reader processes
        small = self._small_documents(batch)
        reads = [self._read_in_process(delivery, small) for delivery in batch]
        waiting = [place for place, read in enumerate(reads) if read is None]
        found = self._threads.map(self._read_elsewhere, [batch[place] for place in waiting])
        for place, read in zip(waiting, found, strict=True):
            reads[place] = read
        return [read for read in reads if read is not None]

    def _small_documents(self, batch: Sequence[Delivery]) -> Mapping[str, bytes]:
        digests = [
            submission.content_digest
            for submission in map(_submission, batch)
            if submission.content_size <= LARGEST_IN_PROCESS
            and structured_format(submission.channel, submission.content_type) is not None
        ]
        return self._documents.get_small(digests, largest=LARGEST_IN_PROCESS)

    def _read_in_process(self, delivery: Delivery, small: Mapping[str, bytes]) -> _Read | None:
        submission = _submission(delivery)
        format_ = structured_format(submission.channel, submission.content_type)
        if format_ is None:
            return None
        data = small.get(submission.content_digest)
        if data is None:
            data = self._bytes_of(delivery, submission.content_digest)
        if not is_read_in_process(data):
            return None
        findings = read_structured(format_, data)
        # only the last finding is a text; what comes before it are files, and they are read elsewhere
        return _Read(findings) if len(findings) == 1 else None

    def _read_elsewhere(self, delivery: Delivery) -> _Read:
        submission = _submission(delivery)
        data = self._bytes_of(delivery, submission.content_digest)
        format_ = structured_format(submission.channel, submission.content_type)
        format_ = format_ or foreign_format(data, submission.content_type)
        if format_ is None:
            return _Read([])
        request = ReadRequest(format_, submission.channel, ((submission.content_type, data),))
        result = self._readers.read(request)
        read = _Read(result.findings, result.outcome)
        if format_ is Format.FILES:
            _about_the_message_itself(read.findings)
        elif format_ is not Format.MAIL:
            self._read_files(submission.channel, read)
        self._store_found(read.findings)
        return read

    def _read_files(self, channel: Channel, read: _Read) -> None:
        files = [finding for finding in read.findings if isinstance(finding, FoundFile)]
        if not files:
            return
        contents = contents_of(files, self._documents)
        read.findings.extend(lost_files(files, contents))
        if len(contents) < len(files):
            read.outcome = ReadOutcome.FILE_LOST
        request = ReadRequest(Format.FILES, channel, tuple((files[p].content_type, contents[p]) for p in contents))
        result = self._readers.read(request)
        read.findings.extend(in_places(result.findings, tuple(contents)))
        if result.outcome is not ReadOutcome.COMPLETE:
            read.outcome = result.outcome

    def _store_found(self, findings: Sequence[Finding]) -> None:
        found = [finding for finding in findings if isinstance(finding, FoundFile) and finding.digest is None]
        for file, digest in zip(found, self._documents.put_all([file.data for file in found]), strict=True):
            file.digest, file.data = digest, b""

    def _bytes_of(self, delivery: Delivery, digest: str) -> bytes:
        try:
            return self._documents.get(digest)
        except DocumentMissing:
            raise Rejected(delivery.event_id, DOCUMENT_MISSING) from None
        except DocumentDamaged:
            raise Rejected(delivery.event_id, DOCUMENT_DAMAGED) from None

    def _log_unread(self, connection: psycopg.Connection, batch: Sequence[Delivery], reads: Sequence[_Read]) -> None:
        entries = [
            AutomationEntry(at=delivery.recorded_at, kind=read.outcome, event_id=delivery.event_id)
            for delivery, read in zip(batch, reads, strict=True)
            if read.outcome is not ReadOutcome.COMPLETE
        ]
        for entry in entries:
            log.warning("submission_not_fully_read", event_id=entry.event_id, outcome=entry.kind)
        append_automation_log(connection, self.service, entries)


def _referral(delivery: Delivery, read: _Read) -> ReferralReceived:
    submission = _submission(delivery)
    try:
        return referral_of(submission, read.extraction)
    except Exception as error:  # noqa: BLE001 - whatever a reader said, what was acknowledged becomes a referral
        log.error("facts_not_usable", event_id=delivery.event_id, error=error)
    try:
        return referral_of(submission, assemble([], is_complete=False))
    except ValidationError:
        # the error quotes the input, so that it ends here
        raise Rejected(delivery.event_id, FIELD_NOT_ADMITTED) from None


def _about_the_message_itself(findings: Sequence[Finding]) -> None:
    for finding in findings:
        if isinstance(finding, FoundText):
            finding.file_index = None


def _submission(delivery: Delivery) -> IntakeSubmitted:
    assert isinstance(delivery.event, IntakeSubmitted)  # noqa: S101 - the only type consumed
    return delivery.event
