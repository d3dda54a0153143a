"""Turn bytes of unknown or wrongly declared charset into text; some text is better than none."""

import codecs

_STATEFUL = ("utf-16", "utf-32", "utf_16", "utf_32", "utf-7", "iso2022", "hz", "shift", "gb", "big5", "euc")
_LAST_RESORT = "cp1252"


def decode_text(data: bytes, declared: str | None = None) -> str:
    """Return the text that the bytes most likely mean."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    name = _known(declared)
    if name is not None and name.startswith(_STATEFUL):
        return data.decode(name, "replace")
    # text that is valid UTF-8 is hardly ever anything else, whatever its label says
    for candidate in ("utf-8-sig", name, _LAST_RESORT):
        if candidate is not None:
            try:
                return data.decode(candidate)
            except (UnicodeDecodeError, UnicodeError):
                continue
    return data.decode(_LAST_RESORT, "replace")


def _known(declared: str | None) -> str | None:
    if not declared:
        return None
    try:
        found = codecs.lookup(declared.strip().strip("\"'")[:40])
    except (LookupError, ValueError, UnicodeError):
        return None
    # codecs such as zip or hex turn bytes into bytes; they are no charsets
    return found.name if found._is_text_encoding else None
