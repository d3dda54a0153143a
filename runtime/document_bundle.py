"""Documents that became durable together: one file that holds them all and tells where each begins."""

import hashlib
import os
import struct
from collections.abc import Container, Mapping

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
        begin, length = _find(_entries(handle), bytes.fromhex(digest))
        data = os.pread(handle, length, begin)
    finally:
        os.close(handle)
    if hashlib.sha256(data).hexdigest() != digest:
        raise NotInBundle
    return data


def read_small(path: str, digests: Container[str], *, largest: int) -> dict[str, bytes]:
    """Return those of several documents that a bundle holds undamaged and that are small.

    Raises:
        NotInBundle: the file is no bundle.
        OSError: it can not be read.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        found = {
            digest: os.pread(handle, length, begin)
            for raw, begin, length in _ENTRY.iter_unpack(_entries(handle))
            if length <= largest and (digest := raw.hex()) in digests
        }
    finally:
        os.close(handle)
    return {digest: data for digest, data in found.items() if hashlib.sha256(data).hexdigest() == digest}


def _entries(handle: int) -> bytes:
    head = os.pread(handle, _COUNT.size + _ENTRY.size * MOST_DOCUMENTS, 0)
    if len(head) < _COUNT.size:
        raise NotInBundle
    magic, count = _COUNT.unpack_from(head)
    end = _COUNT.size + _ENTRY.size * count
    if magic != _MAGIC or count > MOST_DOCUMENTS or end > len(head):
        raise NotInBundle
    return head[_COUNT.size : end]


def _find(entries: bytes, digest: bytes) -> tuple[int, int]:
    at = entries.find(digest)
    while at >= 0 and at % _ENTRY.size:
        at = entries.find(digest, at + 1)
    if at < 0:
        raise NotInBundle
    _, begin, length = _ENTRY.unpack_from(entries, at)
    return begin, length
