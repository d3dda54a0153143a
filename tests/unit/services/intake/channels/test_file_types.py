"""A file's channel is its folder's, else the likeliest."""

from pathlib import Path, PurePath

import pytest

from schemas.vocabulary import Channel
from services.intake.channels.file_types import HEAD, channel_of, media_type_of

SAMPLES = Path(__file__).parents[4] / "samples"


@pytest.mark.parametrize(
    ("sample", "channel"),
    [
        ("mail/complete.eml", Channel.MAIL),
        ("fax/complete.pdf", Channel.FAX),
        ("fax/image_only.tiff", Channel.FAX),
        ("callcentre/five_calls.csv", Channel.CALLCENTRE),
        ("callcentre/utf16.csv", Channel.CALLCENTRE),
        ("csv/backfill.csv", Channel.CSV),
        ("portal/complete.json", Channel.PORTAL),
        ("fhir/bundle.json", Channel.FHIR),
        ("hl7/complete.hl7", Channel.HL7),
    ],
)
def test_outside_its_folder_a_file_is_known_by_its_kind(sample: str, channel: Channel) -> None:
    head = (SAMPLES / sample).read_bytes()[:HEAD]

    assert channel_of(PurePath("downloads", PurePath(sample).name), head) is channel
    assert channel_of(PurePath(sample), b"") is channel


@pytest.mark.parametrize(
    ("name", "head", "channel"),
    [
        ("message", b"From: a@b\r\nSubject: x\r\n\r\n", Channel.MAIL),
        ("message", b"MSH|^~\\&|", Channel.HL7),
        ("message", b"%PDF-1.4", Channel.FAX),
        ("message", b'{"resourceType":"Bundle"}', Channel.FHIR),
        ("message", b"whatever", None),
        ("README.md", b"# Title\n", None),
    ],
)
def test_a_file_without_a_suffix_is_known_by_its_begin(name: str, head: bytes, channel: Channel | None) -> None:
    assert channel_of(PurePath("downloads", name), head) is channel


@pytest.mark.parametrize(
    ("channel", "name", "head", "expected"),
    [
        (Channel.FAX, "x.PDF", b"", "application/pdf"),
        (Channel.FAX, "x", b"II*\x00", "image/tiff"),
        (Channel.FAX, "x.eml", b"", "message/rfc822"),
        (Channel.MAIL, "x", b"From: a\nTo: b\n", "message/rfc822"),
        (Channel.MAIL, "x", b"\x00\x01", "application/octet-stream"),
        (Channel.VOICEMAIL, "x.csv", b"", "text/csv"),
        (Channel.PORTAL, "x.csv", b"", "application/json"),
    ],
)
def test_a_files_media_type(channel: Channel, name: str, head: bytes, expected: str) -> None:
    assert media_type_of(channel, name, head) == expected
