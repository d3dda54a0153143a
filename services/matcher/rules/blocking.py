"""Blocking keys: two people are compared only if they share one, so each catches one kind of slip."""

import hashlib
from collections.abc import Iterator

from schemas.phonetic import phonetic_code
from services.matcher.rules.identity import ISSUER_MARK, Identity

#: above this many candidates a block is a shared value rather than a person; it goes to review (R19)
BLOCK_LIMIT = 200
#: of the first name, where the last name may be another: one letter alone would bring six strangers a referral
FIRST_LETTERS = 3


def blocking_keys(network_id: str, identity: Identity) -> tuple[int, ...]:
    """Return the keys under which a person is found, in a fixed order without repeats.

    A name alone is no key, as it is no evidence: each key holds a birth date, a phone or a record number.
    """
    return tuple(dict.fromkeys(_hashed(network_id, words) for words in _words(identity)))


def _words(identity: Identity) -> Iterator[str]:
    sound = phonetic_code(identity.last) if identity.last else ""
    born = identity.birth_date
    if born is not None:
        if sound:
            yield f"birth date and last name\x1f{born.isoformat()}\x1f{sound}"
        if identity.given:
            yield f"birth date and start of first name\x1f{born.isoformat()}\x1f{identity.given[:FIRST_LETTERS]}"
        if sound and identity.given:
            yield f"birth year, last name and initial\x1f{born.year}\x1f{sound}\x1f{identity.given[:1]}"
    if identity.phone is not None:
        yield f"phone\x1f{identity.phone}"
    for record_number in identity.record_numbers:
        yield f"record number\x1f{record_number.rpartition(ISSUER_MARK)[2]}"


def _hashed(network_id: str, words: str) -> int:
    # eight bytes instead of the value: a narrow index that holds no name, date or phone
    digest = hashlib.blake2b(f"{network_id}\x1f{words}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
