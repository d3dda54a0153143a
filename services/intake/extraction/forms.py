"""Read a portal form: JSON as posted, or the fields and files of a multipart form."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

import orjson

from runtime.document_store import is_digest
from schemas.vocabulary import MissingItem
from services.intake.extraction.field_names import FieldName, Fields, field_of_key, keys_under
from services.intake.extraction.findings import FileRole, Finding, FoundFile, FoundText, Part
from services.intake.extraction.limits import DEEPEST_FORM, LARGEST_TOLD_SIZE, MOST_FILES, MOST_FORM_KEYS

_ATTACHMENTS = "attachments"
_UNREADABLE = FoundText(part=Part.MESSAGE, troubles=(MissingItem.READABLE_DOCUMENT,))
#: a file that the form tells of and that nobody can find
_LOST = FoundText(part=Part.DOCUMENT, troubles=(MissingItem.READABLE_DOCUMENT,))
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
        pointers = [attachment for attachment in attachments[:MOST_FILES] if _is_pointer(attachment)]
        files.extend(map(_file, pointers))
        if len(pointers) < len(attachments):
            files.append(_LOST)
        fields_of_form = form.get("fields")
        if isinstance(fields_of_form, dict):
            form = fields_of_form
    fields: Fields = {}
    _fill_in_form(fields, form, "", 0)
    return [*files, FoundText(part=Part.MESSAGE, fields=fields, troubles=() if fields else _EMPTY.troubles)]


def fields_of(pairs: Iterable[tuple[str, str]]) -> Fields:
    """Return the fields that columns with their values fill in."""
    fields: Fields = {}
    for key, value in pairs:
        name = field_of_key(key)
        if value and name is not None:
            _fill_in(fields, name, value)
    return fields


def _fill_in(fields: Fields, name: FieldName, value: str) -> None:
    if name not in fields:
        fields[name] = value
    elif name is FieldName.NOTE or name is FieldName.DIAGNOSIS:
        fields[name] = f"{fields[name]}\n{value}"


def _fill_in_form(fields: Fields, form: dict[str, Any], prefix: str, depth: int) -> None:
    # a leaf is known by the words on the way to it: "patient" / "phone" is the key "patient phone"
    names = keys_under(prefix)
    for key, value in islice(form.items(), MOST_FORM_KEYS):
        if isinstance(value, dict):
            if depth < DEEPEST_FORM:
                _fill_in_form(fields, value, f"{prefix}{key} ", depth + 1)
        elif value and (name := names[key]) is not None:
            text = value if isinstance(value, str) else _written(value)
            if text and not text.isspace():
                _fill_in(fields, name, text)


def _written(value: object) -> str:
    if isinstance(value, list):
        return ", ".join([str(item).strip() for item in value[:MOST_FORM_KEYS] if isinstance(item, str | int)])
    return "" if isinstance(value, bool) else str(value)


def _is_pointer(attachment: object) -> bool:
    return isinstance(attachment, dict) and is_digest(attachment.get("digest"))


def _file(pointer: dict[str, Any]) -> FoundFile:
    size = pointer.get("size")
    return FoundFile(
        content_type=str(pointer.get("content_type") or "application/octet-stream"),
        role=FileRole.ATTACHMENT,
        digest=pointer["digest"],
        size=size if isinstance(size, int) and 0 <= size <= LARGEST_TOLD_SIZE else 0,
    )
