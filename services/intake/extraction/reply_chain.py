"""Separate what a sender wrote now from what is quoted below it."""

import re

_QUOTE_BEGINS = re.compile(
    r"^\s*(?:on\b.{4,200}\bwrote:\s*$|-{3,}\s*(?:original|forwarded) message|begin forwarded message:"
    r"|_{10,}\s*$|from:\s.{1,200}$(?=\n\s*(?:sent|date|to|cc|subject):))",
    re.IGNORECASE | re.MULTILINE,
)
_QUOTED_LINE = re.compile(r"^\s*>", re.MULTILINE)
_QUOTE_MARKS = re.compile(r"^[ \t]*(?:>[ \t]?)+", re.MULTILINE)
_REMARK = re.compile(r"^\s*(?:on\b.{4,200}\bwrote:|-{3,}.*message.*|begin forwarded message:)\s*$", re.I | re.M)


def split_reply(text: str) -> tuple[str, str]:
    """Return the newest part of a mail body and the quoted rest without its quote marks."""
    begins = [found.start() for found in (_QUOTE_BEGINS.search(text), _QUOTED_LINE.search(text)) if found]
    if not begins:
        return text, ""
    newest, rest = text[: min(begins)], text[min(begins) :]
    return newest, _REMARK.sub("", _QUOTE_MARKS.sub("", rest)).strip()
