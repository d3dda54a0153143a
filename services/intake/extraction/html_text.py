"""Take the visible text out of HTML, in time that grows with its length and no faster, whatever it looks like."""

import html
import re

_NEW_LINE = frozenset(
    {"p", "br", "div", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "section", "blockquote"}
)
_CELL = frozenset({"td", "th"})
_HIDDEN = frozenset({"script", "style", "head", "title"})
_TAG_NAME = re.compile(r"/?([a-zA-Z][a-zA-Z0-9]{0,20})")
_COMMENT = "!--"


class _Scanner:
    """Walks once over the page; each search goes on from where the last one ended."""

    def __init__(self, page: str) -> None:
        self._page = page
        self._lower = page.lower()
        self._next: dict[str, int] = {}
        self.pieces: list[str] = []

    def scan(self) -> None:
        at = 0
        while (opening := self._page.find("<", at)) >= 0:
            self._add_text(self._page[at:opening])
            at = self._after_tag(opening)
        self._add_text(self._page[at:])

    def _after_tag(self, opening: int) -> int:
        if self._page.startswith(_COMMENT, opening + 1):
            return self._after("-->", opening)
        name = _TAG_NAME.match(self._page, opening + 1)
        if name is None:
            self.pieces.append("<")
            return opening + 1
        tag = name[1].lower()
        if tag in _NEW_LINE:
            self.pieces.append("\n")
        is_opening = self._page[opening + 1] != "/"
        if tag in _CELL and is_opening:
            self.pieces.append("\t")
        if tag in _HIDDEN and is_opening:
            return self._after(">", self._after(f"</{tag}", opening))
        return self._after(">", opening)

    def _after(self, mark: str, start: int) -> int:
        """Return the place behind the next mark, or the end of the page."""
        known = self._next.get(mark, -1)
        if known < start:
            known = self._lower.find(mark, start)
            self._next[mark] = known = len(self._page) if known < 0 else known
        return min(known + len(mark), len(self._page))

    def _add_text(self, text: str) -> None:
        if text:
            self.pieces.append(text.replace("\n", " "))


def visible_text(page: str) -> str:
    """Return the text that a person sees of an HTML page, a line a block and cells apart."""
    scanner = _Scanner(page.replace("\r\n", "\n").replace("\t", " "))
    scanner.scan()
    text = html.unescape("".join(scanner.pieces))
    lines = (line.strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)
