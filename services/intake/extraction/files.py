"""The files that a structured message holds or points at: fetched for the reader, and told of when they are lost."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from runtime.document_store import DocumentDamaged, DocumentMissing, DocumentStore
from schemas.vocabulary import MissingItem
from services.intake.extraction.findings import Finding, FoundFile, FoundText, Part
from services.intake.extraction.limits import LARGEST_TOGETHER


def contents_of(files: Sequence[FoundFile], documents: DocumentStore) -> Mapping[int, bytes]:
    """Return the bytes of the files by their place; a file that the store has lost, or that is too much, has none.

    Raises:
        DocumentStoreUnavailable: the store can not be read now.
    """
    contents: dict[int, bytes] = {}
    fetched: dict[str, bytes | None] = {}
    room = LARGEST_TOGETHER
    for place, file in enumerate(files):
        if file.digest is None:
            data: bytes | None = file.data
        else:
            # a form that points at one file a hundred times costs no more than one that does so once
            data = fetched[file.digest] if file.digest in fetched else _fetched(file.digest, documents)
            fetched[file.digest] = data
        if data is not None:
            file.size = len(data)
            room -= file.size
        if data is not None and room >= 0:
            contents[place] = data
    return contents


def lost_files(files: Sequence[FoundFile], contents: Mapping[int, bytes]) -> Iterator[FoundText]:
    """Yield, for each file without bytes, that somebody has to ask for it."""
    for place, file in enumerate(files):
        if place not in contents:
            yield FoundText(
                part=Part.DOCUMENT,
                # another lost file is another message
                text_digest=file.digest or "",
                troubles=(MissingItem.READABLE_DOCUMENT,),
                file_index=place,
            )


def in_places(findings: Iterable[Finding], places: Sequence[int]) -> Iterator[Finding]:
    """Yield what was read of the files, counted among all files of the message."""
    for finding in findings:
        # a reader that names a file that it was not given is not believed
        place = finding.file_index if isinstance(finding, FoundText) else None
        if isinstance(finding, FoundText) and place is not None and place < len(places):
            finding.file_index = places[place]
            yield finding


def _fetched(digest: str, documents: DocumentStore) -> bytes | None:
    try:
        return documents.get(digest)
    except (DocumentMissing, DocumentDamaged):
        return None
