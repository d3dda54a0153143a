"""Take the visible text out of HTML."""

from html.parser import HTMLParser

_NEW_LINE = frozenset(
    {"p", "br", "div", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "section", "blockquote"}
)
_CELL = frozenset({"td", "th"})
_HIDDEN = frozenset({"script", "style", "head", "title"})


class _Visible(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self._hidden += 1
        self._space(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN and self._hidden:
            self._hidden -= 1
        if tag != "br":
            self._space(tag)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(" ".join(data.split(" ")).replace("\n", " "))

    def _space(self, tag: str) -> None:
        if tag in _NEW_LINE:
            self.pieces.append("\n")
        elif tag in _CELL:
            self.pieces.append("\t")


def visible_text(html: str) -> str:
    """Return the text that a person sees of an HTML page, a line a block and cells apart."""
    parser = _Visible()
    parser.feed(html)
    parser.close()
    lines = (line.strip(" ").strip("\t") for line in "".join(parser.pieces).split("\n"))
    return "\n".join(line for line in lines if line.strip())
