"""What passes between intake and its readers: every finding arrives as it was, and nothing else is believed."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.vocabulary import MissingItem
from services.intake.extraction.field_names import FieldName
from services.intake.extraction.findings import FileRole, Finding, FoundFile, FoundText, Part
from services.intake.extraction.limits import LARGEST_TOLD_SIZE
from services.intake.extraction.wire import BrokenFrame, finding_of, read_frame, write_finding

DIGEST = "a" * 64
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
HELD = st.binary(max_size=50).map(
    lambda data: FoundFile(content_type="application/pdf", role=FileRole.ATTACHMENT, data=data, size=len(data))
)
POINTED_AT = st.builds(
    FoundFile,
    content_type=TEXTS,
    role=st.sampled_from(FileRole),
    digest=DIGESTS,
    size=st.integers(0, LARGEST_TOLD_SIZE),
)
READ = st.builds(
    FoundText,
    part=st.sampled_from(Part),
    fields=st.dictionaries(st.sampled_from(FieldName), TEXTS),
    note=TEXTS,
    text_digest=st.sampled_from(["", DIGEST]),
    troubles=st.lists(st.sampled_from(MissingItem)).map(tuple),
    file_index=st.none() | st.integers(0, 99),
)


@given(st.one_of(HELD, POINTED_AT, READ))
def test_a_finding_arrives_as_it_was_written(finding: Finding) -> None:
    stream = io.BytesIO()
    write_finding(stream, finding)
    stream.seek(0)

    assert finding_of(*read_frame(stream)) == finding


FILE = {"kind": "file", "content_type": "text/plain", "role": "attachment", "digest": DIGEST, "size": 1}
TEXT = {"kind": "text", "part": "message", "fields": {}, "note": "", "text_digest": "", "troubles": [], "file_index": 0}


@pytest.mark.parametrize(
    "changed",
    [
        {"digest": "../../etc/passwd"},
        {"digest": 7},
        {"digest": "A" * 64},
        {"size": -1},
        {"size": 1 << 70},
        {"size": "1"},
        {"size": True},
        {"role": "owner"},
    ],
    ids=str,
)
def test_a_file_that_no_reader_finds_is_no_finding(changed: dict[str, object]) -> None:
    assert isinstance(finding_of(FILE, b""), FoundFile)

    with pytest.raises(BrokenFrame):
        finding_of(FILE | changed, b"")


@pytest.mark.parametrize("place", [[], {}, "0", -1, 0.5, True, 1 << 40], ids=str)
def test_a_place_that_no_file_has_is_no_finding(place: object) -> None:
    assert isinstance(finding_of(TEXT, b""), FoundText)

    with pytest.raises(BrokenFrame):
        finding_of(TEXT | {"file_index": place}, b"")
