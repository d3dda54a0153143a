"""Cut a table into its rows without losing any: charsets, separators and quotes as spreadsheets leave them."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from services.intake.channels.limits import LARGEST_ROW, MOST_LINES_OF_ROW, MOST_TABLE_LINES
from services.intake.channels.refusal import Refusal, RefusalCode
from services.intake.extraction.charsets import decode_text

_SEPARATORS = ",;\t|"
_QUOTE = '"'
_LOOKED_AT = 4_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it came, and its cells where it can be cut into cells."""

    text: str
    cells: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Table:
    """The first row of a table, and the text below it."""

    head: Row
    separator: str
    rest: str

    def rows(self) -> Iterator[Row]:
        """Yield the rows below the first; empty ones are left out."""
        for text in _row_texts(self.rest, self.separator):
            row = _row(text, self.separator)
            # a forgotten quote swallows the rows up to the next one; these have other cells than the head
            torn = len(row.text.splitlines()) > 1 and not self._fits(row)
            for found in map(self._line, _lines(text)) if torn else (row,):
                if found.cells is None or any(cell.strip() for cell in found.cells):
                    yield found

    def _fits(self, row: Row) -> bool:
        return row.cells is not None and self.head.cells is not None and len(row.cells) == len(self.head.cells)

    def _line(self, text: str) -> Row:
        return _row(text, self.separator)


def read_table(data: bytes) -> Table:
    """Return the table that the bytes hold.

    Raises:
        Refusal: more lines than are taken at once.
    """
    text = _decoded(data).replace("\x00", "").lstrip("\r\n \ufeff")
    if text.count("\n") + text.count("\r") > 2 * MOST_TABLE_LINES:
        raise Refusal(RefusalCode.TOO_MANY_ROWS)
    separator = max(_SEPARATORS, key=next(_lines(text), "").count)
    head = next(_row_texts(text, separator), "")
    return Table(_row(head, separator), separator, text[len(head) :])


def written(*rows: tuple[str, ...]) -> bytes:
    """Return rows as CSV in UTF-8."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode("utf-8", "replace")


def _decoded(data: bytes) -> str:
    head = data[:_LOOKED_AT]
    # UTF-16 without its mark shows in plain text as a zero in every other place
    if len(head) > 4 and head.count(0) * 3 > len(head):
        return data.decode("utf-16-be" if head[0] == 0 else "utf-16-le", "replace")
    return decode_text(data)


def _lines(text: str) -> Iterator[str]:
    return iter(io.StringIO(text, newline=""))


def _row_texts(text: str, separator: str) -> Iterator[str]:
    waiting: list[str] = []
    size = 0
    is_inside = False
    for line in _lines(text):
        waiting.append(line)
        size += len(line)
        is_inside = _ends_inside_quotes(line, separator, is_inside=is_inside)
        if not is_inside:
            yield "".join(waiting)
        elif len(waiting) > MOST_LINES_OF_ROW or size > LARGEST_ROW:
            yield from waiting
        else:
            continue
        waiting, size, is_inside = [], 0, False
    yield from waiting


def _ends_inside_quotes(line: str, separator: str, *, is_inside: bool) -> bool:
    at = line.find(_QUOTE)
    while at >= 0:
        if is_inside and line[at + 1 : at + 2] == _QUOTE:
            at += 1
        elif is_inside:
            is_inside = False
        elif at == 0 or line[at - 1] == separator:
            is_inside = True
        at = line.find(_QUOTE, at + 1)
    return is_inside


def _row(text: str, separator: str) -> Row:
    bare = text.rstrip("\r\n")
    if _QUOTE not in bare:
        return Row(bare, tuple(bare.split(separator)))
    if _ends_inside_quotes(bare, separator, is_inside=False):
        return Row(bare, None)
    # over several lines, a quote that ends inside a cell is the begin of another row's cell
    is_strict = "\n" in bare or "\r" in bare
    try:
        cells = next(csv.reader(io.StringIO(bare, newline=""), delimiter=separator, strict=is_strict), [])
    except csv.Error:
        return Row(bare, None)
    return Row(bare, tuple(cells))
