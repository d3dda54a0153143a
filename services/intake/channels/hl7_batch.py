"""Several HL7 messages at once, in a batch or bare (HL7 v2, chapter 2): cut into messages, and answered in kind."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from schemas.ids import named_id
from services.intake.channels.hl7 import plain_id
from services.intake.channels.limits import MOST_HL7_MESSAGES
from services.intake.channels.refusal import Refusal, RefusalCode

#: places in the headers of batches and files, counted as HL7 does
_OWN_ID = 11
#: what a batch is told when it lacks messages that its trailer counts
INCOMPLETE = "incomplete"
_LONGEST_SEGMENT = 4_000
_LINE_MARKS = b"\x0b\x1c"
_FRAME_START = re.compile(rb"\x1c?[\r\n]*\x0b(?=[MBF][SH][HS])")
#: a header with its separator and, where they are well formed, its other signs; else a header or trailer that is bare
_SEGMENT = re.compile(
    rb"(?:\A|(?<=[\r\n]))"
    rb"(?:(MSH|BHS|FHS)([^\w\s])([^\w\s]{2,5}\2)?|(MSH|BTS|FTS)(?=[\r\n]|\Z)|(BTS|FTS)[^\w\s])"
)
_REST_OF_LINE = re.compile(rb"[^\r\n]*")


@dataclass(slots=True)
class Batch:
    """Messages that came together."""

    messages: list[bytes]
    #: whether it has a header of its own
    is_wrapped: bool = False
    control_id: str = ""
    #: how many messages its trailer counts; None without a trailer, 0 where that says nothing
    counted: int | None = None

    @property
    def lacks_messages(self) -> bool:
        """Whether its sender put more into it than arrived."""
        return (self.counted or 0) > len(self.messages)


@dataclass(frozen=True, slots=True)
class Sent:
    """All that one frame or file holds."""

    batches: tuple[Batch, ...]
    #: of the file header; None where there is none
    file_id: str | None = None

    @property
    def messages(self) -> list[bytes]:
        """All messages in order, those without a readable header among them."""
        return [message for batch in self.batches for message in batch.messages]

    @property
    def is_wrapped(self) -> bool:
        """Whether it came by the batch protocol."""
        return self.file_id is not None or any(batch.is_wrapped for batch in self.batches)

    @property
    def lacks_messages(self) -> bool:
        """Whether a sender put more into a batch than arrived."""
        return any(batch.lacks_messages for batch in self.batches)


@dataclass(frozen=True, slots=True)
class _Piece:
    name: str  #: of a segment; empty for what belongs to nothing
    content: bytes


def read_sent(content: bytes) -> Sent:
    """Return what was sent, cut into messages; one message without a batch is left as it is.

    Raises:
        Refusal: more messages than are taken at once.
    """
    bare = _FRAME_START.sub(b"\r", content).translate(None, _LINE_MARKS)
    pieces = list(_pieces(bare))
    is_batch = any(piece.name in ("BHS", "FHS") for piece in pieces)
    if not is_batch and sum(piece.name == "MSH" for piece in pieces) < 2:
        return Sent((Batch([bare]),))
    if len(pieces) > MOST_HL7_MESSAGES:
        raise Refusal(RefusalCode.TOO_MANY_PARTS)
    sent = _sent(pieces)
    # an empty batch is a message of its own kind; one that breaks off before its first message is none
    is_empty = not sent.messages and any(batch.counted is not None for batch in sent.batches)
    return sent if sent.messages or (is_empty and not sent.lacks_messages) else Sent((Batch([bare]),))


def messages_of(content: bytes) -> list[bytes]:
    """Return the messages in a file, which may hold several and may keep the marks of the line they came over."""
    return read_sent(content).messages


def answer_to(sent: Sent, answers: Sequence[bytes], *, now: datetime) -> bytes:
    """Return the answers to all messages, in batches if they came in batches."""
    if not sent.is_wrapped:
        return b"".join(answers)
    waiting = iter(answers)
    parts = [_answered(batch, [next(waiting) for _ in batch.messages], now) for batch in sent.batches]
    if sent.file_id is None:
        return b"".join(parts)
    return b"".join((_header("FHS", sent.file_id, now), *parts, b"FTS|%d\r" % len(parts)))


def _answered(batch: Batch, answers: Sequence[bytes], now: datetime) -> bytes:
    told = f"|{INCOMPLETE}" if batch.lacks_messages else ""
    trailer = f"BTS|{len(answers)}{told}\r".encode()
    return b"".join((_header("BHS", batch.control_id, now), *answers, trailer))


def _header(name: str, answered_id: str, now: datetime) -> bytes:
    repeated = plain_id(answered_id)
    own_id = named_id("acknowledgement", name, repeated)[:20]
    return f"{name}|^~\\&|BATON||||{now:%Y%m%d%H%M%S}+0000||||{own_id}|{repeated}\r".encode("ascii", "replace")


def _sent(pieces: Sequence[_Piece]) -> Sent:
    batches: list[Batch] = []
    file_id: str | None = None
    for piece in pieces:
        if piece.name == "FHS":
            file_id = _field(piece.content, _OWN_ID)
        elif piece.name == "BHS":
            batches.append(Batch([], is_wrapped=True, control_id=_field(piece.content, _OWN_ID)))
        elif not batches:
            batches.append(Batch([]))
        if piece.name == "BTS" or (piece.name == "FTS" and batches[-1].counted is None):
            batches[-1].counted = _count(piece) if piece.name == "BTS" else 0
        elif piece.name in ("MSH", ""):
            batches[-1].messages.append(piece.content)
    return Sent(tuple(batches), file_id)


def _pieces(content: bytes) -> Iterator[_Piece]:
    marks = [*_marks(content), ("", len(content))]
    yield from _stray(content[: marks[0][1]])
    for (name, start), (_, end) in pairwise(marks):
        if name == "MSH":
            yield _Piece(name, content[start:end])
            continue
        line = _REST_OF_LINE.match(content, start, end)
        line_end = line.end() if line else end
        yield _Piece(name, content[start:line_end])
        yield from _stray(content[line_end:end])


def _stray(content: bytes) -> Iterator[_Piece]:
    if content.strip(b"\r\n\t \x00"):
        yield _Piece("", content)


def _marks(content: bytes) -> Iterator[tuple[str, int]]:
    separator = b""
    is_batch = False
    for found in _SEGMENT.finditer(content):
        name = (found[1] or found[4] or found[5]).decode()
        is_batch = is_batch or name in ("BHS", "FHS")
        separator = separator or found[2] or b""
        # a line of running text may begin with the letters MSH, which is a hormone too
        is_header = found[1] is not None and (found[3] is not None or found[2] == separator)
        if is_header or (is_batch and found[1] is None):
            yield name, found.start()


def _field(segment: bytes, number: int) -> str:
    fields = segment[:_LONGEST_SEGMENT].split(segment[3:4])
    # the separator itself is the first field of a header
    return fields[number - 1].decode("utf-8", "replace").strip() if number <= len(fields) else ""


def _count(trailer: _Piece) -> int:
    told = trailer.content[4:40].partition(trailer.content[3:4] or b"|")[0].strip()
    return int(told) if told.isdigit() and len(told) < 10 else 0
