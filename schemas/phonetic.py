"""The phonetic code of a last name: part of the contract, as it decides in which partition people can meet."""

import unicodedata
from functools import lru_cache
from itertools import groupby

import jellyfish

_LIGATURES = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)
_CACHED = 1 << 17


@lru_cache(_CACHED)
def phonetic_code(last_name: str) -> str:
    """Return the code of a last name, the same for spellings that should meet; empty where there is nothing to code."""
    lowered = last_name.casefold().translate(_LIGATURES).replace("ı", "i")
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", lowered) if "a" <= letter <= "z")
    code = "".join(sound for sound, _ in groupby(str(jellyfish.metaphone(plain))) if sound != " ")
    # a script without Latin letters has no code, but its bearers still have to meet
    return code or "".join(letter for letter in unicodedata.normalize("NFKC", lowered) if letter.isalpha())
