"""Read a portal form: JSON as posted, or the fields and files of a multipart form."""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from schemas.vocabulary import MissingItem
from services.intake.extraction.field_names import FieldName, Fields, field_of_key
from services.intake.extraction.findings import FileRole, Finding, FoundFile, FoundText, Part
from services.intake.extraction.limits import DEEPEST_FORM, MOST_FILES, MOST_FORM_KEYS

_ATTACHMENTS = "attachments"
_UNREADABLE = FoundText(part=Part.MESSAGE, troubles=(MissingItem.READABLE_DOCUMENT,))
_EMPTY = FoundText(part=Part.MESSAGE, troubles=(MissingItem.MESSAGE_CONTENT,))


def read_form(data: bytes) -> list[Finding]:
    """Return what a posted form tells and the files it points at."""
    if not data.strip():
        return [_EMPTY]
    try:
        form = orjson.loads(data)
    except orjson.JSONDecodeError:
        return [_UNREADABLE]
    if not isinstance(form, dict):
        return [_UNREADABLE]
    files: list[Finding] = []
    attachments = form.get(_ATTACHMENTS)
    if isinstance(attachments, list):
        files.extend(_files(attachments))
        fields_of_form = form.get("fields")
        if isinstance(fields_of_form, dict):
            form = fields_of_form
    fields = fields_of(flattened(form))
    return [*files, FoundText(part=Part.MESSAGE, fields=fields, troubles=() if fields else _EMPTY.troubles)]


def fields_of(pairs: Iterable[tuple[str, str]]) -> Fields:
    """Return the fields that keys or columns with their values fill in."""
    fields: Fields = {}
    for key, value in pairs:
        name = field_of_key(key)
        if name is None or not value:
            continue
        if name not in fields:
            fields[name] = value
        elif name is FieldName.NOTE or name is FieldName.DIAGNOSIS:
            fields[name] = f"{fields[name]}\n{value}"
    return fields


def flattened(form: dict[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield the leaves of a nested form, each under the words on the way to it."""
    for number, (key, value) in enumerate(form.items()):
        if number >= MOST_FORM_KEYS:
            return
        if value.__class__ is str:
            yield prefix + key, value.strip()
        elif isinstance(value, dict):
            if depth < DEEPEST_FORM:
                yield from flattened(value, f"{prefix}{key} ", depth + 1)
        elif isinstance(value, list):
            yield prefix + key, _joined(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield prefix + key, str(value)


def _joined(values: list[Any]) -> str:
    return ", ".join(str(value).strip() for value in values[:MOST_FORM_KEYS] if isinstance(value, str | int))


def _files(attachments: list[Any]) -> Iterator[FoundFile]:
    for attachment in attachments[:MOST_FILES]:
        if not isinstance(attachment, dict) or not isinstance(attachment.get("digest"), str):
            continue
        size = attachment.get("size")
        yield FoundFile(
            content_type=str(attachment.get("content_type") or "application/octet-stream"),
            role=FileRole.ATTACHMENT,
            digest=attachment["digest"],
            size=size if isinstance(size, int) else 0,
        )
