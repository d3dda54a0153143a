"""Tell messages apart: digests, message ids and times that are worth believing."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath, PureWindowsPath

from services.intake.channels.limits import LONGEST_FILE_NAME, LONGEST_MESSAGE_ID
from services.intake.rules.texts import one_line

#: a sender's clock may be this much ahead
MOST_AHEAD = timedelta(minutes=10)


def digest_of(*parts: bytes) -> str:
    """Return one digest of several byte strings, each with its length."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def message_id_of(text: str | None) -> str | None:
    """Return a message id that can be used as one, or None."""
    if text is None or len(text) > LONGEST_MESSAGE_ID:
        return None
    return one_line(text, limit=LONGEST_MESSAGE_ID) or None


def file_name_of(text: str | None) -> str | None:
    """Return a sender's file name without any folder; only ever shown, never opened."""
    if text is None:
        return None
    name = PureWindowsPath(PurePosixPath(text[:4096]).name).name
    return one_line(name, limit=LONGEST_FILE_NAME) or None


def believable_time(told: datetime | None, *, now: datetime, oldest: timedelta) -> datetime:
    """Return the time a message tells when it can be true, else now."""
    if told is None:
        return now
    told = told if told.tzinfo else told.replace(tzinfo=UTC)
    # compared first: the very first and last days of the calendar have no UTC
    return min(told.astimezone(UTC), now) if now - oldest <= told <= now + MOST_AHEAD else now
