"""Fingerprints by which a transmission, or its content, is known when it comes again (R14)."""

import hashlib
import re
from datetime import date, datetime
from typing import NamedTuple

BUCKET_S = 24 * 3600
#: no text holds it, and it is no blank
_SEPARATOR = "\x00"
_NOT_WORDS = re.compile(r"[\W_]+")
# what a fax machine prints on every page: it differs each time the same page is sent
_BANNER = re.compile(r"(?im)^.*\b(?:page|pg|p)\.?\s*\d+\s*(?:/|of)\s*\d+.*$|^.*\d{1,2}:\d{2}.*\bfax\b.*$")


class Transmission(NamedTuple):
    """What tells one transmission from another."""

    network_id: str
    source: str
    received_at: datetime
    #: the channel's own id of the message; where it has none, the time stands for it
    source_message_id: str | None
    content_digest: str


class Identifiers(NamedTuple):
    """What tells one patient from another."""

    given_name: str | None
    last_name: str | None
    birth_date: date | None
    phone: str | None

    @property
    def name_somebody(self) -> bool:
        """Whether they name a person: the name alone never does (R16)."""
        has_name = self.last_name is not None and self.given_name is not None
        return has_name and (self.birth_date is not None or self.phone is not None)

    def as_text(self) -> str:
        """Return them in one text."""
        given, last, born, phone = self
        date_text = born.isoformat() if born else ""
        return f"{given or ''}{_SEPARATOR}{last or ''}{_SEPARATOR}{date_text}{_SEPARATOR}{phone or ''}".casefold()


class Fingerprints(NamedTuple):
    """By what a message is known again."""

    transmission: str
    #: None when nobody is named or nothing is asked
    content: str | None


def fingerprints_of(
    transmission: Transmission, identifiers: Identifiers, substance: tuple[str | None, ...]
) -> Fingerprints:
    """Return the fingerprints of a transmission and of what is asked for whom.

    An id together with the bytes says that a message comes again, so the time stays out then: the bucket's edge
    must not split it. Without one the same bytes may be meant anew later, and the bucket counts. An id alone says
    nothing: counters start anew, and an export's column of ids may number the patients.
    """
    network_id, source, received_at, message_id, content_digest = transmission
    if message_id is not None:
        mark = f"id:{message_id}:{content_digest}"
    else:
        mark = f"digest:{content_digest}:{int(received_at.timestamp()) // BUCKET_S}"
    who = f"{network_id}{_SEPARATOR}{source}{_SEPARATOR}{identifiers.as_text()}"
    of_transmission = _digest(f"transmission{_SEPARATOR}{who}{_SEPARATOR}{mark}")
    if not identifiers.name_somebody or not any(substance):
        return Fingerprints(of_transmission, None)
    words = _folded(_SEPARATOR.join([word or "" for word in substance]))
    return Fingerprints(of_transmission, _digest(f"content{_SEPARATOR}{who}{_SEPARATOR}{words}"))


def text_digest(text: str) -> str:
    """Return the digest of a document's words, without the lines a fax machine adds."""
    words = _folded(_NOT_WORDS.sub(" ", _BANNER.sub("", text)))
    return _digest(words) if words else ""


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
