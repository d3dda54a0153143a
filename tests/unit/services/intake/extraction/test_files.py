"""Files that a message points at: fetched once, bounded, and told of when they are lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.vocabulary import MissingItem
from services.intake.extraction import files
from services.intake.extraction.files import contents_of, in_places, lost_files
from services.intake.extraction.findings import FileRole, FoundFile, FoundText, Part
from tests.support.intake import MemoryDocuments

LOST = "f" * 64


class CountingDocuments(MemoryDocuments):
    """Notes which documents are fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []

    def get(self, digest: str) -> bytes:
        self.fetched.append(digest)
        return super().get(digest)


def _pointer(digest: str) -> FoundFile:
    return FoundFile(content_type="application/pdf", role=FileRole.ATTACHMENT, digest=digest)


@given(st.lists(st.sampled_from([b"", b"one", b"two", None]), max_size=8))
def test_each_file_has_its_bytes_or_is_asked_for(contents: list[bytes | None]) -> None:
    documents = CountingDocuments()
    found = [_pointer(LOST if data is None else documents.put(data)) for data in contents]

    fetched = contents_of(found, documents)
    lost = list(lost_files(found, fetched))

    assert fetched == {place: data for place, data in enumerate(contents) if data is not None}
    assert [text.file_index for text in lost] == [place for place, data in enumerate(contents) if data is None]
    assert all(text.troubles == (MissingItem.READABLE_DOCUMENT,) for text in lost)
    assert len(documents.fetched) == len(set(documents.fetched))


def test_what_is_too_much_together_is_left_to_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_TOGETHER", 10)
    documents = MemoryDocuments()
    found = [_pointer(documents.put(data)) for data in (b"12345", b"67890", b"x")]

    fetched = contents_of(found, documents)

    assert list(fetched) == [0, 1]
    assert [file.size for file in found] == [5, 5, 1]
    assert [text.file_index for text in lost_files(found, fetched)] == [2]


def test_what_is_read_is_counted_among_all_files() -> None:
    read = [FoundText(part=Part.DOCUMENT, file_index=index) for index in (0, 1, 2, None)]

    assert [found.file_index for found in in_places(read, (3, 7)) if isinstance(found, FoundText)] == [3, 7]
