"""JSON objects that systems send, and the one form in which two of them are compared."""

from collections.abc import Mapping
from typing import Any

import orjson

from services.intake.channels.identity import digest_of
from services.intake.channels.refusal import Refusal, RefusalCode

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_object(content: bytes, *, otherwise: RefusalCode) -> dict[str, Any]:
    """Return the JSON object in the content.

    Raises:
        Refusal: it is no JSON, or, with the code `otherwise`, JSON of another kind.
    """
    try:
        found = orjson.loads(content.removeprefix(_BYTE_ORDER_MARK))
    except orjson.JSONDecodeError:
        raise Refusal(RefusalCode.NOT_JSON) from None
    if not isinstance(found, dict):
        raise Refusal(otherwise)
    return found


def canonical(value: Mapping[str, Any]) -> bytes:
    """Return an object with its keys in order, so that equal objects are equal bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def substance_of(value: Mapping[str, Any], content: bytes) -> str:
    """Return the digest of what an object says; of its bytes when it is nested too deeply to be compared."""
    try:
        return digest_of(canonical(value))
    except orjson.JSONEncodeError:
        return digest_of(content)
