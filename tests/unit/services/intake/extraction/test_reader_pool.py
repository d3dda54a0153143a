"""Reader processes hang, die and run out of memory; each time it costs one message and nothing else."""

import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import psutil
import pytest

from schemas.events import ReferralReceived
from schemas.vocabulary import Channel, MissingItem
from services.intake.extraction.findings import FoundFile, FoundText
from services.intake.extraction.reader_pool import (
    DEFAULT_COMMAND,
    MOST_FINDINGS,
    ReaderPool,
    ReaderUnavailable,
    ReadOutcome,
    ReadResult,
)
from services.intake.extraction.wire import Format, ReadRequest
from services.intake.pipeline import IntakePipeline
from services.intake.settings import NormaliserSettings
from tests.samples.catalogue import JANE
from tests.samples.writers import letter_mail
from tests.support.hostile_files import inflating_pdf
from tests.support.intake import LogTable, MemoryDocuments, submitted

TIME_LIMIT_S = 1.0
MEMORY = NormaliserSettings.model_fields["reader_memory_mb"].default << 20
HANGING = (sys.executable, str(Path(__file__).with_name("hanging_reader.py")))


@pytest.fixture
def pool() -> Iterator[ReaderPool]:
    pool = ReaderPool(processes=1, time_limit_s=TIME_LIMIT_S, memory_bytes=MEMORY, command=HANGING)
    yield pool
    pool.close()


def _ordered(order: str) -> ReadRequest:
    return ReadRequest(Format.MAIL, Channel.MAIL, (("message/rfc822", order.encode()),))


def _process(result: ReadResult) -> int:
    return next(int(f.note.split()[1]) for f in result.findings if isinstance(f, FoundText))


def test_a_process_is_used_again(pool: ReaderPool) -> None:
    results = [pool.read(_ordered("read")) for _ in range(3)]

    assert {result.outcome for result in results} == {ReadOutcome.COMPLETE}
    assert len(set(map(_process, results))) == 1


@pytest.mark.parametrize(
    ("order", "outcome"),
    [
        ("hang", ReadOutcome.TIMED_OUT),
        ("die", ReadOutcome.DIED),
        ("fail", ReadOutcome.FAILED),
        ("eat", ReadOutcome.DIED),
        ("garble", ReadOutcome.DIED),
        ("flood", ReadOutcome.DIED),
        ("print", ReadOutcome.COMPLETE),
    ],
)
def test_what_was_found_before_the_end_counts_and_the_next_message_is_read(
    pool: ReaderPool, order: str, outcome: ReadOutcome
) -> None:
    begin = perf_counter()

    result = pool.read(_ordered(order))

    assert result.outcome is outcome
    assert [type(finding) for finding in result.findings][:2] == [FoundFile, FoundText]
    assert len(result.findings) <= MOST_FINDINGS + 1
    assert perf_counter() - begin < 10 * TIME_LIMIT_S
    assert pool.read(_ordered("read")).outcome is ReadOutcome.COMPLETE


def test_a_process_killed_while_idle_is_replaced(pool: ReaderPool) -> None:
    before = _process(pool.read(_ordered("read")))
    os.kill(before, signal.SIGKILL)

    result = pool.read(_ordered("read"))

    assert result.outcome is ReadOutcome.COMPLETE
    assert _process(result) != before


def test_a_stop_signal_to_the_group_does_not_end_a_reader(pool: ReaderPool) -> None:
    before = _process(pool.read(_ordered("read")))
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(before, number)

    assert _process(pool.read(_ordered("read"))) == before


def test_closing_leaves_no_process_behind() -> None:
    pool = ReaderPool(processes=2, time_limit_s=TIME_LIMIT_S, memory_bytes=MEMORY, command=HANGING)
    with ThreadPoolExecutor(2) as threads:
        processes = set(map(_process, threads.map(pool.read, [_ordered("read")] * 8)))

    pool.close()

    assert not any(psutil.pid_exists(pid) for pid in processes)


def test_a_reader_has_none_of_the_services_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:secret@host/db")
    pool = ReaderPool(processes=1, time_limit_s=TIME_LIMIT_S, memory_bytes=MEMORY, command=HANGING)

    environment = psutil.Process(_process(pool.read(_ordered("read")))).environ()
    pool.close()

    assert "DATABASE_URL" not in environment


def test_readers_that_can_not_start_are_no_fault_of_the_message() -> None:
    pool = ReaderPool(processes=1, time_limit_s=1, memory_bytes=MEMORY, command=(sys.executable, "-c", "pass"))

    with pytest.raises(ReaderUnavailable):
        pool.read(_ordered("read"))
    pool.close()


def test_a_referral_comes_out_although_its_reader_hangs_or_dies(pool: ReaderPool) -> None:
    documents = MemoryDocuments()
    pipeline = IntakePipeline(documents, pool, parallel_reads=1)
    log = LogTable()
    orders = (b"hang", b"die", b"read")
    hang, die, read = (submitted(documents, order, message_id=order.decode()) for order in orders)

    outputs = pipeline.handle(log, [hang, die, read])  # type: ignore[arg-type]  # all that is done with it
    pipeline.close()

    missing = [referral.missing_items for (referral,) in outputs.values() if isinstance(referral, ReferralReceived)]
    assert [MissingItem.READABLE_DOCUMENT in items for items in missing] == [True, True, False]
    assert not any(MissingItem.PATIENT_NAME in items for items in missing)
    assert [(row[1], row[3]) for row in log.rows] == [
        (ReadOutcome.TIMED_OUT, hang.event_id),
        (ReadOutcome.DIED, die.event_id),
    ]


def test_the_real_reader_process_reads_a_mail() -> None:
    pool = ReaderPool(processes=1, time_limit_s=20, memory_bytes=MEMORY)
    request = ReadRequest(Format.MAIL, Channel.MAIL, (("message/rfc822", letter_mail("x", JANE)),))

    result = pool.read(request)
    pool.close()

    assert result.outcome is ReadOutcome.COMPLETE
    assert any(isinstance(found, FoundText) and found.fields for found in result.findings)


@pytest.mark.parametrize("megabytes", [50, 1_500])
@pytest.mark.parametrize("times", [1, 2, 4])
def test_a_stream_that_inflates_ends_with_a_referral(megabytes: int, times: int) -> None:
    pool = ReaderPool(processes=1, time_limit_s=8, memory_bytes=MEMORY)
    documents = MemoryDocuments()
    pipeline = IntakePipeline(documents, pool, parallel_reads=1)
    bomb = inflating_pdf(megabytes, times=times)
    delivery = submitted(documents, bomb, channel=Channel.FAX, content_type="application/pdf")

    outputs = pipeline.handle(LogTable(), [delivery])  # type: ignore[arg-type]  # all that is done with it
    pipeline.close()
    pool.close()

    (referral,) = outputs[delivery.event_id]
    assert isinstance(referral, ReferralReceived)
    assert MissingItem.READABLE_DOCUMENT in referral.missing_items


def test_the_system_itself_keeps_a_reader_within_its_memory() -> None:
    pool = ReaderPool(processes=1, time_limit_s=8, memory_bytes=MEMORY)
    pool.read(ReadRequest(Format.FILES, Channel.FAX, (("text/plain", b"it is there"),)))
    readers = [child for child in psutil.Process().children() if DEFAULT_COMMAND[-1] in child.cmdline()]
    limits = {reader.rlimit(psutil.RLIMIT_AS) for reader in readers}
    pool.close()

    assert limits == {(MEMORY, MEMORY)}
    assert MEMORY <= 512 << 20
