"""Where the bytes of messages and their files live: by the digest of the content, written once, durable when told."""

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from runtime.document_bundle import NotInBundle, read, read_small, written
from runtime.unavailable import InfrastructureUnavailable

SHARD_LETTERS = 2
#: a larger document is not bundled with others
LARGEST_BUNDLED = 1_000_000
#: documents that are bundled; each has its own link to the bundle, and a file has a limit of links
MOST_BUNDLED = 500
LEFT_OVER_AFTER = timedelta(days=1)
_DIGEST = re.compile(r"[0-9a-f]{64}")


def is_digest(value: object) -> bool:
    """Tell whether something can be the digest of a stored document."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


class DocumentStoreUnavailable(InfrastructureUnavailable):
    """The document store can not be written or read now; try again later."""

    part = "document_store"


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

    def get_small(self, digests: Sequence[str], *, largest: int) -> Mapping[str, bytes]:
        """Return what is found at a glance of several documents of limited size; `get` has, or judges, all others."""


class LocalDocumentStore:
    """Keeps documents in a folder that several processes may share (docs/decisions/0030).

    Documents that come together are one file, so that they cost one flush. A document's name is a link to that file:
    at first in one folder, which is flushed once for all of them, later in one of many, so that no folder grows huge.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / "incoming"
        self._recent = root / "recent"
        self._is_made = False

    def put(self, data: bytes) -> str:
        """Keep the bytes and return their digest once they are durable."""
        return self.put_all((data,))[0]

    def put_all(self, documents: Sequence[bytes]) -> tuple[str, ...]:
        """Keep several documents and return their digests once all of them are durable."""
        digests = tuple(hashlib.sha256(data).hexdigest() for data in documents)
        by_digest = dict(zip(digests, documents, strict=True))
        try:
            self._make_folders()
            new = {digest: data for digest, data in by_digest.items() if not self._is_kept(digest)}
            for bundle in _bundles(new):
                self._write(bundle)
            # the folder is flushed for known documents too: whoever put them may not have come to it yet
            _flush(self._recent)
        except OSError as error:
            raise DocumentStoreUnavailable from error
        return digests

    def get(self, digest: str) -> bytes:
        """Return the bytes of a digest, checked against it."""
        if not is_digest(digest):
            raise DocumentMissing
        data = self._found(digest)
        if data is None:
            self._require_there()
            # it may have been away just then
            data = self._found(digest)
        if data is None:
            raise DocumentMissing
        return data

    def get_small(self, digests: Sequence[str], *, largest: int) -> Mapping[str, bytes]:
        """Return small documents; those that came together are read together."""
        unread = {digest for digest in digests if is_digest(digest)}
        found: dict[str, bytes] = {}
        for digest in digests:
            if digest in unread:
                together = self._small_beside(digest, unread, largest)
                unread.difference_update(together, (digest,))
                found |= together
        return found

    def settle(self) -> int:
        """Move the links of recent documents to where they stay; return how many. To be called now and then.

        Raises:
            DocumentStoreUnavailable: some are not moved; nothing is lost.
        """
        try:
            self._make_folders()
            names = [name for name in os.listdir(self._recent) if is_digest(name)]
            self._link_settled(names)
            for name in names:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self._recent / name)
        except OSError as error:
            raise DocumentStoreUnavailable from error
        return len(names)

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

    def _link_settled(self, names: Sequence[str]) -> None:
        folders = {self._settled(name).parent for name in names}
        for folder in folders:
            folder.mkdir(exist_ok=True)
        for name in names:
            # another process may do the same at the same time
            with contextlib.suppress(FileExistsError, FileNotFoundError):
                os.link(self._recent / name, self._settled(name))
        for folder in (*folders, self._root):
            _flush(folder)

    def _small_beside(self, digest: str, wanted: Set[str], largest: int) -> dict[str, bytes]:
        for path in self._paths(digest):
            try:
                return read_small(path, wanted, largest=largest)
            except FileNotFoundError:
                continue
            except (NotInBundle, OSError):
                break
        return {}

    def _found(self, digest: str) -> bytes | None:
        for path in self._paths(digest):
            try:
                return read(path, digest)
            except FileNotFoundError:
                continue
            except NotInBundle:
                raise DocumentDamaged from None
            except OSError as error:
                raise DocumentStoreUnavailable from error
        return None

    def _require_there(self) -> None:
        # a folder that was moved away, or whose disk is not mounted, misses every document and says nothing of any
        if not self._recent.is_dir():
            raise DocumentStoreUnavailable

    def _paths(self, digest: str) -> Iterator[str]:
        # a document may be settled between two looks; then it is in the first place again
        recent = f"{self._recent}/{digest}"
        yield recent
        yield f"{self._root}/{digest[:SHARD_LETTERS]}/{digest}"
        yield recent

    def _settled(self, digest: str) -> Path:
        return self._root / digest[:SHARD_LETTERS] / digest

    def _is_kept(self, digest: str) -> bool:
        return os.path.exists(self._recent / digest) or os.path.exists(self._settled(digest))

    def _make_folders(self) -> None:
        if self._is_made:
            return
        # never the root itself: where it is missing it is away, and a new one would hide the documents when it is back
        for folder in (self._incoming, self._recent):
            folder.mkdir(exist_ok=True)
        _flush(self._root)
        _flush(self._root.parent)
        self._is_made = True

    def _write(self, documents: Mapping[str, bytes]) -> None:
        handle, name = tempfile.mkstemp(dir=self._incoming)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(written(documents))
                file.flush()
                os.fsync(file.fileno())
            for digest in documents:
                with contextlib.suppress(FileExistsError):
                    os.link(name, self._recent / digest)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(name)


def make_document_store(setting: str) -> LocalDocumentStore:
    """Return the store that DOCUMENT_STORE names: a folder."""
    return LocalDocumentStore(Path(setting))


def _bundles(documents: Mapping[str, bytes]) -> Iterator[Mapping[str, bytes]]:
    small = [item for item in documents.items() if len(item[1]) <= LARGEST_BUNDLED]
    for start in range(0, len(small), MOST_BUNDLED):
        yield dict(small[start : start + MOST_BUNDLED])
    for digest, data in documents.items():
        if len(data) > LARGEST_BUNDLED:
            yield {digest: data}


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
