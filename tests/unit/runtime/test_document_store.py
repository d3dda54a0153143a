"""Documents are kept once, under their digest, and are never believed unchecked."""

import hashlib
import os
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.clock import MachineClock
from runtime.document_store import (
    DocumentDamaged,
    DocumentMissing,
    DocumentStoreUnavailable,
    LocalDocumentStore,
)


@pytest.fixture
def store(tmp_path: Path) -> LocalDocumentStore:
    return LocalDocumentStore(tmp_path / "documents")


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@given(documents=st.lists(st.binary(max_size=200), max_size=20))
def test_what_was_put_is_got_by_its_digest(tmp_path_factory: pytest.TempPathFactory, documents: list[bytes]) -> None:
    store = LocalDocumentStore(tmp_path_factory.mktemp("documents"))

    digests = store.put_all(documents)

    assert digests == tuple(hashlib.sha256(data).hexdigest() for data in documents)
    assert [store.get(digest) for digest in digests] == documents


def test_thousands_at_once_are_no_more_than_many_times_a_few(store: LocalDocumentStore) -> None:
    documents = [f"document {number}".encode() for number in range(1500)]

    digests = store.put_all(documents)

    assert [store.get(digest) for digest in digests] == documents


def test_the_same_bytes_are_kept_once(store: LocalDocumentStore, tmp_path: Path) -> None:
    first = store.put(b"same")
    written_at = _files(tmp_path)[0].stat().st_mtime_ns
    second, third = store.put_all((b"same", b"same"))

    assert first == second == third
    assert [path.stat().st_mtime_ns for path in _files(tmp_path)] == [written_at]


def test_bytes_are_flushed_before_they_get_their_name_and_the_name_is_flushed_too(
    store: LocalDocumentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(b"the folder exists already")
    acts: list[str] = []
    flush, rename = os.fsync, os.rename

    def flushing(handle: int) -> None:
        acts.append("flush folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "flush file")
        flush(handle)

    def renaming(old: str, new: Path) -> None:
        acts.append("name")
        rename(old, new)

    monkeypatch.setattr(os, "fsync", flushing)
    monkeypatch.setattr(os, "rename", renaming)
    store.put(b"new bytes")

    assert acts[-3:] == ["flush file", "name", "flush folder"]


def test_a_torn_document_is_written_again(store: LocalDocumentStore, tmp_path: Path) -> None:
    digest = store.put(b"whole")
    (tmp_path / "documents" / digest[:3] / digest).write_bytes(b"wh")

    store.put(b"whole")

    assert store.get(digest) == b"whole"


def test_a_damaged_document_is_not_returned(store: LocalDocumentStore, tmp_path: Path) -> None:
    digest = store.put(b"right")
    (tmp_path / "documents" / digest[:3] / digest).write_bytes(b"wrong")

    with pytest.raises(DocumentDamaged):
        store.get(digest)


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "0" * 63, "A" * 64, "0" * 64, f"{'0' * 64}\n"])
def test_nothing_but_a_known_digest_leads_to_a_file(store: LocalDocumentStore, digest: str) -> None:
    with pytest.raises(DocumentMissing):
        store.get(digest)


def test_a_disk_that_fails_is_told_and_leaves_nothing_half_written(
    store: LocalDocumentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(b"earlier")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DocumentStoreUnavailable):
        store.put(b"later")

    assert len(_files(tmp_path)) == 1


def test_only_old_leftovers_are_removed(store: LocalDocumentStore, tmp_path: Path) -> None:
    store.put(b"kept")
    leftover = tmp_path / "documents" / "incoming" / "tmp-of-a-killed-writer"
    leftover.write_bytes(b"half")
    now = MachineClock().now()

    assert store.remove_leftovers(now) == 0
    assert store.remove_leftovers(now + timedelta(days=2)) == 1
    assert not leftover.exists()
