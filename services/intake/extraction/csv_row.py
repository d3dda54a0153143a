"""Read one row of a spreadsheet export with its header."""

import csv
import io
from itertools import islice

from schemas.vocabulary import MissingItem
from services.intake.extraction.charsets import decode_text
from services.intake.extraction.findings import FoundText, Part
from services.intake.extraction.forms import fields_of
from services.intake.extraction.limits import LARGEST_STRUCTURED, MOST_FORM_KEYS

_DELIMITERS = ",;\t|"


def read_csv_row(data: bytes) -> FoundText:
    """Return what the row under the header tells."""
    text = decode_text(data[:LARGEST_STRUCTURED]).replace("\x00", "")
    first_line = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first_line.count)
    try:
        rows = [row for row in islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 3) if row]
    except csv.Error:
        return FoundText(part=Part.MESSAGE, troubles=(MissingItem.READABLE_DOCUMENT,))
    if len(rows) < 2:
        return FoundText(part=Part.MESSAGE, troubles=(MissingItem.MESSAGE_CONTENT,))
    pairs = zip(rows[0][:MOST_FORM_KEYS], rows[1], strict=False)
    return FoundText(part=Part.MESSAGE, fields=fields_of((column, _cell(value)) for column, value in pairs))


def _cell(value: str) -> str:
    # a spreadsheet guards cells that look like formulas with an apostrophe
    value = value.strip()
    return value[1:] if value[:1] == "'" and value[1:2] in "=+-@" else value
