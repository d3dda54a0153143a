"""The phonetic code of a last name, by which spellings that should meet get the same matching key."""

import re
import unicodedata
from functools import lru_cache

import jellyfish

_NOT_LETTERS = re.compile(r"[^a-z]")
_DOUBLED = re.compile(r"(.)\1+")
_LIGATURES = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
_CACHED = 1 << 16


@lru_cache(_CACHED)
def phonetic_code(last_name: str) -> str:
    """Return the code of a last name; empty where there is nothing to code."""
    lowered = last_name.casefold().translate(_LIGATURES)
    letters = _NOT_LETTERS.sub("", unicodedata.normalize("NFKD", lowered))
    code = _DOUBLED.sub(r"\1", str(jellyfish.metaphone(letters)).replace(" ", ""))
    # a script without Latin letters has no code, but its bearers still have to meet
    return code or "".join(letter for letter in unicodedata.normalize("NFKC", lowered) if letter.isalpha())
