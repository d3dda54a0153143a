"""The portal's form, alone or with uploaded files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from schemas.vocabulary import Channel
from services.intake.channels.arrival import Arrival, Sender
from services.intake.channels.identity import digest_of, file_name_of, message_id_of
from services.intake.channels.json_object import canonical, read_object, substance_of
from services.intake.channels.refusal import RefusalCode

MEDIA_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came along with a form."""

    data: bytes
    content_type: str
    file_name: str | None


def form_arrival(
    sender: Sender, content: bytes, *, now: datetime, message_id: str | None = None, file_name: str | None = None
) -> Arrival:
    """Return a form as an arrival.

    Raises:
        Refusal: it is no JSON object.
    """
    form = read_object(content, otherwise=RefusalCode.NOT_A_FORM)
    return Arrival(
        sender=sender,
        channel=Channel.PORTAL,
        content=content,
        content_type=MEDIA_TYPE,
        received_at=now,
        substance=substance_of(form, content),
        source_message_id=message_id_of(message_id),
        file_name=file_name_of(file_name),
    )


def upload_arrival(
    sender: Sender,
    fields: Mapping[str, Any],
    uploads: Sequence[Upload],
    *,
    now: datetime,
    message_id: str | None = None,
) -> Arrival:
    """Return a form with files as an arrival: a JSON document that points at the files by their digests."""
    content = canonical({"fields": dict(fields), "attachments": [_pointer(upload) for upload in uploads]})
    return Arrival(
        sender=sender,
        channel=Channel.PORTAL,
        content=content,
        content_type=MEDIA_TYPE,
        received_at=now,
        substance=digest_of(content),
        source_message_id=message_id_of(message_id),
        attachments=tuple(upload.data for upload in uploads),
    )


def _pointer(upload: Upload) -> dict[str, Any]:
    return {
        "digest": sha256(upload.data).hexdigest(),
        "content_type": upload.content_type,
        "size": len(upload.data),
        "file_name": file_name_of(upload.file_name),
    }
