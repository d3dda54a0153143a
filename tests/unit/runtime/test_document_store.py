"""Documents are kept once, under their digest, and are never believed unchecked."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
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
    folder = tmp_path / "documents"
    folder.mkdir()
    return LocalDocumentStore(folder)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@settings(max_examples=30, deadline=None)
@given(documents=st.lists(st.binary(max_size=200), max_size=20))
def test_what_was_put_is_got_by_its_digest(tmp_path_factory: pytest.TempPathFactory, documents: list[bytes]) -> None:
    store = LocalDocumentStore(tmp_path_factory.mktemp("documents"))

    digests = store.put_all(documents)

    assert digests == tuple(hashlib.sha256(data).hexdigest() for data in documents)
    assert [store.get(digest) for digest in digests] == documents


def test_thousands_at_once_are_no_more_than_many_times_a_few(store: LocalDocumentStore) -> None:
    documents = [f"document {number}".encode() for number in range(1_200)]

    digests = store.put_all(documents)

    assert [store.get(digest) for digest in digests] == documents


def test_the_same_bytes_are_kept_once(store: LocalDocumentStore, tmp_path: Path) -> None:
    first = store.put(b"same")
    before = _files(tmp_path)
    second, third = store.put_all((b"same", b"same"))
    store.settle()
    fourth = store.put(b"same")

    assert first == second == third == fourth
    assert len(before) == len(_files(tmp_path)) == 1


def test_bytes_are_flushed_before_they_get_their_name_and_the_name_is_flushed_too(
    store: LocalDocumentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(b"the folders exist already")
    acts: list[str] = []
    flush, link = os.fsync, os.link

    def flushing(handle: int) -> None:
        acts.append("flush folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "flush file")
        flush(handle)

    def linking(old: str, new: Path) -> None:
        acts.append("name")
        link(old, new)

    monkeypatch.setattr(os, "fsync", flushing)
    monkeypatch.setattr(os, "link", linking)
    store.put_all((b"new bytes", b"more"))

    assert acts == ["flush file", "name", "name", "flush folder"]


def test_a_document_gets_its_last_place_before_it_loses_its_first(
    store: LocalDocumentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = store.put(b"moving")
    acts: list[str] = []
    flush, unlink = os.fsync, os.unlink

    def flushing(handle: int) -> None:
        acts.append(Path(os.readlink(f"/proc/self/fd/{handle}")).name)
        flush(handle)

    def unlinking(path: Path) -> None:
        acts.append("unlink")
        unlink(path)

    monkeypatch.setattr(os, "fsync", flushing)
    monkeypatch.setattr(os, "unlink", unlinking)
    assert store.settle() == 1

    assert acts == [digest[:2], "documents", "unlink"]
    assert not list((tmp_path / "documents" / "recent").iterdir())
    assert store.get(digest) == b"moving"


def test_a_kill_between_the_two_places_loses_nothing(
    store: LocalDocumentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = store.put_all((b"one", b"two"))

    def killed(_path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "unlink", killed)
        store.settle()

    assert [store.get(digest) for digest in digests] == [b"one", b"two"]
    assert store.settle() == 2
    assert [store.get(digest) for digest in digests] == [b"one", b"two"]


def test_documents_are_read_while_they_are_settled(store: LocalDocumentStore) -> None:
    documents = [f"document {number}".encode() for number in range(300)]
    digests = store.put_all(documents)

    with ThreadPoolExecutor(1) as other:
        settling = other.submit(store.settle)
        found = [store.get(digest) for digest in digests]
        settling.result()

    assert found == documents


def test_a_damaged_document_is_not_returned(store: LocalDocumentStore, tmp_path: Path) -> None:
    digest, other = store.put_all((b"right", b"other"))
    path = tmp_path / "documents" / "recent" / digest
    path.write_bytes(path.read_bytes().replace(b"right", b"wrong"))

    with pytest.raises(DocumentDamaged):
        store.get(digest)
    assert store.get(other) == b"other"


def test_small_documents_that_came_together_are_read_at_once(
    store: LocalDocumentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = [[f"{group}/{number}".encode() for number in range(20)] for group in range(3)]
    digests = [digest for group in groups for digest in store.put_all(group)]
    store.settle()
    digests += store.put_all([b"recent", b"x" * 100])
    opened: list[str] = []
    opening = os.open

    def noting(path: str, flags: int) -> int:
        opened.append(path)
        return opening(path, flags)

    monkeypatch.setattr(os, "open", noting)
    found = store.get_small([*digests, *digests], largest=99)

    documents = [*(data for group in groups for data in group), b"recent"]
    assert found == dict(zip(digests, documents, strict=False))
    # settled bundles are looked for among the recent ones first; the large document has a look of its own
    assert len(opened) == 3 * 2 + 2


def test_what_is_missing_or_damaged_is_left_to_be_got_by_itself(store: LocalDocumentStore, tmp_path: Path) -> None:
    damaged, right = store.put_all((b"right", b"other"))
    path = tmp_path / "documents" / "recent" / damaged
    path.write_bytes(path.read_bytes().replace(b"right", b"wrong"))
    junk = store.put(b"junk")
    (tmp_path / "documents" / "recent" / junk).write_bytes(b"junk")

    assert store.get_small([damaged, "0" * 64, "../x", junk, right], largest=99) == {right: b"other"}


@settings(max_examples=30, deadline=None)
@given(junk=st.binary(max_size=300))
def test_a_file_that_is_no_bundle_is_damaged_not_a_crash(tmp_path_factory: pytest.TempPathFactory, junk: bytes) -> None:
    folder = tmp_path_factory.mktemp("documents")
    store = LocalDocumentStore(folder)
    digest = store.put(b"right")
    (folder / "recent" / digest).write_bytes(junk)

    with pytest.raises(DocumentDamaged):
        store.get(digest)


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "0" * 63, "A" * 64, "0" * 64, f"{'0' * 64}\n"])
def test_nothing_but_a_known_digest_leads_to_a_file(store: LocalDocumentStore, digest: str) -> None:
    store.put(b"another")

    with pytest.raises(DocumentMissing):
        store.get(digest)


def test_a_store_that_is_away_misses_no_document_and_is_not_made_anew(
    store: LocalDocumentStore, tmp_path: Path
) -> None:
    digest = store.put(b"kept")
    folder, elsewhere = tmp_path / "documents", tmp_path / "elsewhere"
    folder.rename(elsewhere)

    for one in (store, LocalDocumentStore(folder)):
        with pytest.raises(DocumentStoreUnavailable):
            one.get(digest)
        with pytest.raises(DocumentStoreUnavailable):
            one.put(b"new")
    assert not folder.exists()
    folder.mkdir()
    with pytest.raises(DocumentStoreUnavailable):
        store.get(digest)
    folder.rmdir()
    elsewhere.rename(folder)
    assert store.get(digest) == b"kept"


def test_a_store_that_comes_back_between_two_looks_misses_no_document(
    store: LocalDocumentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = store.put(b"kept")
    folder, elsewhere = tmp_path / "documents", tmp_path / "elsewhere"
    folder.rename(elsewhere)
    look = Path.is_dir

    def comes_back(path: Path) -> bool:
        elsewhere.rename(folder)
        return look(path)

    monkeypatch.setattr(Path, "is_dir", comes_back)

    assert store.get(digest) == b"kept"


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
