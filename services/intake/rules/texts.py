"""Make foreign text safe to store and send: no control characters, one Unicode form, bounded length."""

import re
import unicodedata

LONGEST_LINE = 200
LONGEST_TEXT = 20_000
# control characters, lone surrogates and marks that only steer the direction of text; databases and Avro refuse some
_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_BLANKS = re.compile(r"[^\S\n]+")
_EMPTY_LINES = re.compile(r"\n{3,}")


def one_line(text: str, *, limit: int = LONGEST_LINE) -> str:
    """Return text as one clean line."""
    # most lines are clean, and there are a dozen in each referral
    if text.isascii() and text.isprintable() and "  " not in text and len(text) <= limit:
        return text.strip()
    text = unicodedata.normalize("NFC", _UNSAFE.sub(" ", text[: 4 * limit]))
    return " ".join(text.split())[:limit].rstrip()


def many_lines(text: str, *, limit: int = LONGEST_TEXT) -> str:
    """Return text with its lines kept, clean and without runs of blanks or empty lines."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()[:limit].rstrip()
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = unicodedata.normalize("NFC", _UNSAFE.sub(" ", text[: 4 * limit]))
    text = _EMPTY_LINES.sub("\n\n", "\n".join(_BLANKS.sub(" ", line).strip() for line in text.split("\n")))
    return text.strip()[:limit].rstrip()


def layout_text(text: str, *, limit: int) -> str:
    """Return text that is clean but still has its blanks and tabs, which set the columns of a form."""
    text = text[: 2 * limit].replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ")
    return unicodedata.normalize("NFC", _UNSAFE.sub(" ", text))[:limit]
