"""What a file is, by what it begins with rather than by what its sender calls it."""

PDF = "application/pdf"
_MAGIC = (
    (b"%PDF-", PDF),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"PK\x03\x04", "application/zip"),
    (b"RIFF", "audio/wav"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
)
_HEAD = 1024


def kind_of_bytes(data: bytes, told: str) -> str:
    """Return the media type of a file by what it begins with, else as told."""
    head = data[:_HEAD].lstrip()
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), bare_type(told))


def bare_type(content_type: str) -> str:
    """Return a media type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def is_text(content_type: str) -> bool:
    """Tell whether a media type is read as plain text."""
    return content_type.startswith("text/")


def is_recording(content_type: str) -> bool:
    """Tell whether a media type is sound."""
    return content_type.startswith("audio/")
