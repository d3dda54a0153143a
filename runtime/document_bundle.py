"""Documents that became durable together: one file that holds them all and tells where each begins."""

import hashlib
import os
import struct
from collections.abc import Mapping

_MAGIC = b"BATON-D1"
_COUNT = struct.Struct(">8sI")
_ENTRY = struct.Struct(">32sQQ")
MOST_DOCUMENTS = 1_000


class NotInBundle(Exception):
    """The file is not a bundle that holds this document undamaged."""


def written(documents: Mapping[str, bytes]) -> bytes:
    """Return a bundle of documents by digest."""
    at = _COUNT.size + _ENTRY.size * len(documents)
    head = [_COUNT.pack(_MAGIC, len(documents))]
    for digest, data in documents.items():
        head.append(_ENTRY.pack(bytes.fromhex(digest), at, len(data)))
        at += len(data)
    return b"".join((*head, *documents.values()))


def read(path: str, digest: str) -> bytes:
    """Return one document of a bundle, checked against its digest.

    Raises:
        NotInBundle: it is not there, or not what it was.
        OSError: the file can not be read.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        begin, length = _find(handle, bytes.fromhex(digest))
        data = os.pread(handle, length, begin)
    finally:
        os.close(handle)
    if hashlib.sha256(data).hexdigest() != digest:
        raise NotInBundle
    return data


def _find(handle: int, digest: bytes) -> tuple[int, int]:
    head = os.pread(handle, _COUNT.size + _ENTRY.size * MOST_DOCUMENTS, 0)
    if len(head) < _COUNT.size:
        raise NotInBundle
    magic, count = _COUNT.unpack_from(head)
    end = _COUNT.size + _ENTRY.size * count
    if magic != _MAGIC or count > MOST_DOCUMENTS or end > len(head):
        raise NotInBundle
    at = head.find(digest, _COUNT.size, end)
    while at >= 0 and (at - _COUNT.size) % _ENTRY.size:
        at = head.find(digest, at + 1, end)
    if at < 0:
        raise NotInBundle
    _, begin, length = _ENTRY.unpack_from(head, at)
    return begin, length
