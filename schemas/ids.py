"""Ids that follow from their cause, so that the same input always gives the same id."""

import hashlib
import re
import uuid
from itertools import count
from operator import mul

NAMESPACE = uuid.UUID("6e0b4b6e-53a5-5f35-9f0c-0d5f0f6f8f10")
_NAMESPACE_BYTES = NAMESPACE.bytes
#: 31 letters and digits that are not taken for one another when read out on the phone; 31 is prime, so the
#: weighted check character catches every wrong character and every two swapped ones
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXY"
_BODY_LENGTH = 11
#: the first two bits of this digit are fixed to 10
_VARIANTS = {f"{digit:x}": f"{8 | digit & 3:x}" for digit in range(16)}
_VALUE_OF = {letter: value for value, letter in enumerate(ALPHABET)}
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
_LOOKALIKES = str.maketrans({"I": "1", "L": "1", "O": "0"})


def named_id(*parts: str) -> str:
    """Return the UUIDv5 of a list of words."""
    # what str(uuid.uuid5(NAMESPACE, ...)) gives, three times as fast: each event needs several
    digest = hashlib.sha1(_NAMESPACE_BYTES + "\x1f".join(parts).encode(), usedforsecurity=False).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{_VARIANTS[digest[16]]}{digest[17:20]}-{digest[20:32]}"


def derived_id(cause_id: str, index: int) -> str:
    """Return the id of the index-th output of a cause."""
    return named_id("output", cause_id, str(index))


def referral_id_of(submission_id: str) -> str:
    """Return the human-friendly referral id of a submission: 11 characters of base 31 and a check character."""
    number = int.from_bytes(hashlib.sha256(f"referral:{submission_id}".encode()).digest()[:7], "big") >> 1
    body = _base31(number)
    return f"{body[:4]}-{body[4:8]}-{body[8:]}{_check_character(body)}"


def parse_referral_id(text: str) -> str | None:
    """Return the canonical form of a typed referral id, or None when it is none or mistyped."""
    compact = re.sub(r"[\s-]", "", text.upper())
    compact = compact.translate(_LOOKALIKES)
    body, check = compact[:-1], compact[-1:]
    if len(body) != _BODY_LENGTH or any(letter not in ALPHABET for letter in body):
        return None
    if check != _check_character(body):
        return None
    return f"{body[:4]}-{body[4:8]}-{body[8:]}{_check_character(body)}"


def queue_of(network_id: str, clinic_id: str, team: str) -> str:
    """Return the name of a team's queue in a clinic."""
    return f"{network_id}.{clinic_id}.{team}"


def matching_key_of(network_id: str, phonetic_last_name: str) -> str:
    """Return the partition key under which everyone who could be the same patient meets, without the name."""
    return hashlib.sha256(f"{network_id}\x1f{phonetic_last_name}".encode()).hexdigest()[:16]


def _base31(number: int) -> str:
    pairs = []
    for _ in range(_BODY_LENGTH // 2):
        number, pair = divmod(number, len(_PAIRS))
        pairs.append(_PAIRS[pair])
    pairs.append(ALPHABET[number % len(ALPHABET)])
    return "".join(reversed(pairs))


def _check_character(body: str) -> str:
    return ALPHABET[sum(map(mul, count(2), map(_VALUE_OF.__getitem__, body))) % len(ALPHABET)]
