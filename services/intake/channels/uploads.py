"""Read multipart forms with their files, with a bound on everything that can be made many."""

from collections.abc import AsyncGenerator
from typing import Any

from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from services.intake.channels.limits import (
    LARGEST_FORM_FIELD,
    LARGEST_UPLOAD,
    MOST_FORM_FIELDS,
    MOST_UPLOADED_FILES,
)
from services.intake.channels.portal import Upload
from services.intake.channels.refusal import Refusal, RefusalCode
from services.intake.extraction.media_types import bare_type

MEDIA_TYPE = "multipart/form-data"
_ANYTHING = "application/octet-stream"


class _InMemory(MultiPartParser):
    #: what people send in must not lie about in temporary files
    spool_max_size = LARGEST_UPLOAD + 1


async def read_upload(content_type: str, body: bytes) -> tuple[dict[str, Any], list[Upload]]:
    """Return the fields and the files of a form.

    Raises:
        Refusal: too many parts, or no such form.
    """
    form = await _parsed(content_type, body)
    try:
        return await _sorted(form)
    finally:
        await form.close()


async def _sorted(form: FormData) -> tuple[dict[str, Any], list[Upload]]:
    fields: dict[str, Any] = {}
    uploads: list[Upload] = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            data = await value.read()
            uploads.append(Upload(data, bare_type(value.content_type or "") or _ANYTHING, value.filename))
        elif name in fields:
            known = fields[name]
            fields[name] = [*known, value] if isinstance(known, list) else [known, value]
        else:
            fields[name] = value
    # a browser sends a nameless empty part for a file that nobody chose; an empty file that has a name was meant
    return fields, [upload for upload in uploads if upload.data or upload.file_name]


async def _parsed(content_type: str, body: bytes) -> FormData:
    parser = _InMemory(
        Headers({"content-type": content_type}),
        _chunks(body),
        max_files=MOST_UPLOADED_FILES,
        max_fields=MOST_FORM_FIELDS,
        max_part_size=LARGEST_FORM_FIELD,
    )
    try:
        return await parser.parse()
    except MultiPartException as error:
        is_many = error.message.startswith(("Too many", "Part exceeded"))
        raise Refusal(RefusalCode.TOO_MANY_PARTS if is_many else RefusalCode.NOT_A_FORM) from None
    except Exception:  # noqa: BLE001 - a parser's own errors quote the form
        raise Refusal(RefusalCode.NOT_A_FORM) from None


async def _chunks(body: bytes) -> AsyncGenerator[bytes, None]:
    step = 256_000
    for start in range(0, len(body), step):
        yield body[start : start + step]
