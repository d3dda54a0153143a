"""Batches of HL7 messages as senders write them, drawn from a seed."""

from dataclasses import dataclass
from random import Random

from tests.samples.catalogue import RUTH
from tests.samples.writers import hl7

#: what can not be read as a message; each lacks a header that tells one message from another
BROKEN = (b"MSH|\rPID|1||7||Roe^Jane\r", b"MSH|^\rPID|1\r", b"MSH\rPID|1||9\r", b"MSH|||||\rPID|1\r")


@dataclass(frozen=True)
class GeneratedBatch:
    """Bytes to be sent, and what they hold."""

    content: bytes
    #: control ids in order, None for a message that can not be read
    told: tuple[str | None, ...]
    is_wrapped: bool
    has_file_header: bool


def message(control_id: str) -> bytes:
    """Return a good message."""
    return hl7(RUTH, control_id).encode()


def generated_batch(seed: int) -> GeneratedBatch:
    """Return a batch of up to six messages, good and broken, in one of the forms that senders use."""
    random = Random(seed)
    is_wrapped = random.random() < 0.7
    has_file_header = is_wrapped and random.random() < 0.5
    groups = random.randint(1, 2) if has_file_header else 1
    told: list[str | None] = []
    content = b"FHS|^~\\&|CHART|ELM|||20260105||||FILE-%d\r" % seed if has_file_header else b""
    for group in range(groups):
        count = random.randint(0 if is_wrapped else 2, 3)
        content += b"BHS|^~\\&|CHART|ELM|||20260105||||B-%d-%d\r" % (seed, group) if is_wrapped else b""
        for number in range(count):
            # without a wrapping only the separator tells that a broken header is one
            is_good = random.random() < 0.6 or (not is_wrapped and number < 2)
            told.append(f"C-{seed}-{group}-{number}" if is_good else None)
            broken = random.choice(BROKEN if is_wrapped else BROKEN[:2])
            content += message(f"C-{seed}-{group}-{number}") if is_good else broken
        content += random.choice((b"BTS|%d\r" % count, b"BTS|%d|end\r" % count, b"BTS|\r")) if is_wrapped else b""
    content += random.choice((b"FTS|%d\r" % groups, b"FTS\r")) if has_file_header else b""
    line_end = random.choice((b"\r", b"\n", b"\r\n"))
    return GeneratedBatch(content.replace(b"\r", line_end), tuple(told), is_wrapped, has_file_header)
