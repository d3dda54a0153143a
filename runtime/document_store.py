"""Where the bytes of messages and their files live: by the digest of the content, written once, durable when told."""

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, TypeVar

SHARD_LETTERS = 3
#: several flushes at once share the disk's own commits
WRITERS = 8
#: documents that are open at the same time
MOST_AT_ONCE = 256
LEFT_OVER_AFTER = timedelta(days=1)
T = TypeVar("T")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class DocumentStoreUnavailable(Exception):
    """The document store can not be written or read now; try again later."""


class DocumentMissing(Exception):
    """The document store holds no document of this digest."""


class DocumentDamaged(Exception):
    """The stored bytes are not those that were stored under this digest."""


class DocumentStore(Protocol):
    """Keep bytes under their SHA-256 digest; an object store fits behind it as well as a folder."""

    def put(self, data: bytes) -> str:
        """Keep the bytes and return their digest once they are durable; known bytes cost almost nothing.

        Raises:
            DocumentStoreUnavailable: whether they are kept is unknown, so put them again.
        """

    def put_all(self, documents: Sequence[bytes]) -> tuple[str, ...]:
        """Keep several documents, sharing the cost of making them durable, and return their digests in order.

        Raises:
            DocumentStoreUnavailable: any of them may be kept or not, so put them again.
        """

    def get(self, digest: str) -> bytes:
        """Return the bytes of a digest.

        Raises:
            DocumentMissing: there are none.
            DocumentDamaged: what is there does not have this digest.
            DocumentStoreUnavailable: the store can not be read now.
        """


class LocalDocumentStore:
    """Keeps each document as a file of a local or network folder, which several processes may share."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / "incoming"
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="document")

    def put(self, data: bytes) -> str:
        """Keep the bytes and return their digest once they are durable."""
        return self.put_all((data,))[0]

    def put_all(self, documents: Sequence[bytes]) -> tuple[str, ...]:
        """Keep several documents and return their digests once all of them are durable."""
        digests: list[str] = []
        try:
            for start in range(0, len(documents), MOST_AT_ONCE):
                digests += self._keep(documents[start : start + MOST_AT_ONCE])
        except OSError as error:
            raise DocumentStoreUnavailable from error
        return tuple(digests)

    def get(self, digest: str) -> bytes:
        """Return the bytes of a digest, checked against it."""
        if not _DIGEST.fullmatch(digest):
            raise DocumentMissing
        try:
            data = self._path(digest).read_bytes()
        except FileNotFoundError:
            raise DocumentMissing from None
        except OSError as error:
            raise DocumentStoreUnavailable from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise DocumentDamaged
        return data

    def remove_leftovers(self, now: datetime) -> int:
        """Remove what writers that were killed left half written; return how many files."""
        oldest = (now - LEFT_OVER_AFTER).timestamp()
        removed = 0
        for path in self._incoming.glob("*"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < oldest:
                    path.unlink()
                    removed += 1
        return removed

    def _path(self, digest: str) -> Path:
        return self._root / digest[:SHARD_LETTERS] / digest

    def _keep(self, documents: Sequence[bytes]) -> list[str]:
        digests = [hashlib.sha256(data).hexdigest() for data in documents]
        self._write(dict(zip(digests, documents, strict=True)))
        # a known document's folder too: whoever wrote it may not have come to this yet
        _run(self._writers, _flush_folder, {self._path(digest).parent for digest in digests})
        return digests

    def _write(self, by_digest: Mapping[str, bytes]) -> None:
        new = {digest: data for digest, data in by_digest.items() if not self._is_kept(digest, len(data))}
        for folder in {self._incoming, *(self._path(digest).parent for digest in new)}:
            if not folder.is_dir():
                _make_folder(folder)
        half_written: list[tuple[int, str]] = []
        try:
            for data in new.values():
                half_written.append(self._begin(data))
            _run(self._writers, os.fsync, [handle for handle, _ in half_written])
            for digest, (_, name) in zip(new, half_written, strict=True):
                os.rename(name, self._path(digest))
        finally:
            for handle, name in half_written:
                os.close(handle)
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name)

    def _is_kept(self, digest: str, size: int) -> bool:
        try:
            return self._path(digest).stat().st_size == size
        except FileNotFoundError:
            return False

    def _begin(self, data: bytes) -> tuple[int, str]:
        handle, name = tempfile.mkstemp(dir=self._incoming)
        try:
            _write_whole(handle, data)
        except OSError:
            os.close(handle)
            os.unlink(name)
            raise
        return handle, name


def make_document_store(setting: str) -> LocalDocumentStore:
    """Return the store that DOCUMENT_STORE names: a folder."""
    return LocalDocumentStore(Path(setting))


def _run(writers: ThreadPoolExecutor, work: Callable[[T], None], items: Iterable[T]) -> None:
    waiting = list(items)
    if len(waiting) == 1:
        work(waiting[0])
        return
    for _ in writers.map(work, waiting):
        pass


def _write_whole(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def _make_folder(folder: Path) -> None:
    if not folder.parent.is_dir():
        _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _flush_folder(folder.parent)


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
