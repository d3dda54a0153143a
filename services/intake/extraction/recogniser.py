"""The seam for reading text out of page images."""

from typing import Protocol


class TextRecogniser(Protocol):
    """Reads the text of scanned pages."""

    def text_of(self, document: bytes, content_type: str, page: int) -> str | None:
        """Return the text on a page, counted from 0, or None when it can not be read."""


class NoTextRecogniser:
    """Stands where no optical character recognition is installed: page images stay unread."""

    def text_of(self, document: bytes, content_type: str, page: int) -> str | None:
        """Return None: people read these pages."""
        del document, content_type, page
        return None
