"""The plain page at the root of an address: what answers here, and where to go on."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

MEDIA_TYPE = "text/html; charset=utf-8"
#: nothing is kept by the browser, and nothing is loaded or run beside the page itself
HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


def start_page(
    title: str, *, says: Iterable[str], links: Mapping[str, str], table: Iterable[Sequence[str]] = ()
) -> bytes:
    """Write the page: sentences, rows of words, links with what is behind each; all of it is taken as plain text."""
    sentences = "".join(f"<p>{escape(sentence)}</p>\n" for sentence in says)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>\n" for row in table)
    items = "".join(f'<li><a href="{escape(to)}">{escape(to)}</a>: {escape(what)}</li>\n' for to, what in links.items())
    return _PAGE.format(
        title=escape(title), sentences=sentences, rows=f"<table>\n{rows}</table>\n" if rows else "", items=items
    ).encode()


_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body>
<h1>{title}</h1>
{sentences}{rows}<ul>
{items}</ul>
</body>
</html>
"""
